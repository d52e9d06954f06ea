// Lists of types over which the other headers declare their overloads.
#pragma once

#define _MSL_WIDTHS(X, T) X(T) X(T##2) X(T##3) X(T##4)
#define _MSL_FLOATS(X) _MSL_WIDTHS(X, half) _MSL_WIDTHS(X, float)
#define _MSL_INTEGERS_32(X)                                                              \
  _MSL_WIDTHS(X, char) _MSL_WIDTHS(X, uchar) _MSL_WIDTHS(X, short) _MSL_WIDTHS(X, ushort) \
  _MSL_WIDTHS(X, int) _MSL_WIDTHS(X, uint)
#define _MSL_INTEGERS(X) _MSL_INTEGERS_32(X) _MSL_WIDTHS(X, long) _MSL_WIDTHS(X, ulong)
