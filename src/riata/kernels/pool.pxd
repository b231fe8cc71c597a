# cython: language_level=3
"""Loops over jobs on threads, without the interpreter; see pool.pyx."""

ctypedef void (*job_fn)(void *context, Py_ssize_t k) noexcept nogil

cdef void parallel(
    job_fn job, void *context, Py_ssize_t count, Py_ssize_t n_threads
) noexcept nogil
