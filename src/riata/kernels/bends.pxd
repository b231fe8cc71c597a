# cython: language_level=3
"""The second derivative of a loss of K responses, alone and between columns; see bends.pyx."""


cdef class Bend:
    cdef const double[::1] w

    cdef void bend(self, double[:, ::1] d, Py_ssize_t r0, Py_ssize_t r1) noexcept nogil


cdef class Softmax(Bend):
    cdef const double[:, ::1] mu


cdef class Product:
    cdef object call
    cdef double cost    # multiply-adds of a native one

    cdef bint make(self, double[:, ::1] direction, double[:, ::1] out) except -1 nogil


cdef class DenseProduct(Product):
    cdef const double[:, :] doubles
    cdef const float[:, :] floats
    cdef bint is_double
    cdef const Py_ssize_t[::1] columns
    cdef const double[::1] mean
    cdef Bend bend
    cdef double[:, ::1] direction       # of the product that is made
    cdef double[:, ::1] images          # (K, n)
    cdef double[:, :, ::1] parts        # (blocks, K, S + 1), what each adds to it
    cdef Py_ssize_t[::1] cuts           # rows cuts[k]:cuts[k + 1] are block k
    cdef Py_ssize_t n_threads

    cdef void turn(self, Py_ssize_t k) noexcept nogil
