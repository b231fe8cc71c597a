"""Loops over jobs on threads, without the interpreter.

    parallel    calls job(context, k) for every k < count, the calling thread among others

For work of some ten microseconds and more, between which native code goes on; what needs the
interpreter goes by riata.threads. Who calls from a job makes its own jobs alone. Which thread makes
a job is not determined: jobs write where no other one does. See pool.h.
"""

cdef extern from "pool.h" nogil:
    void riata_parallel(job_fn job, void *context, Py_ssize_t count, Py_ssize_t n_threads)
    void riata_engage(int more)
    void riata_prepare()

riata_prepare()


cdef void parallel(
    job_fn job, void *context, Py_ssize_t count, Py_ssize_t n_threads
) noexcept nogil:
    riata_parallel(job, context, count, n_threads)


def engage(int more):
    """Count a thread that has work of its own, which loops do without; -1: no longer."""
    riata_engage(more)
