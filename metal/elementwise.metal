#include "elementwise.h"

// clang-format off
#define instantiate_map(name, value, stored)                                     \
  template [[host_name("elementwise_map_" name)]] [[kernel]]                     \
  decltype(elementwise_kernel<value, stored, false, stored>) elementwise_kernel<value, stored, false, stored>;
#define instantiate_test(name, value, stored)                                    \
  template [[host_name("elementwise_test_" name)]] [[kernel]]                    \
  decltype(elementwise_kernel<value, stored, true, uchar>) elementwise_kernel<value, stored, true, uchar>;
#define instantiate_both(name, value, stored) \
  instantiate_map(name, value, stored)        \
  instantiate_test(name, value, stored)

instantiate_both("f32", float, float)
instantiate_both("f16", float, half)
instantiate_both("bf16", float, bfloat)
instantiate_both("i8", char, char)
instantiate_both("u8", uchar, uchar)
instantiate_both("i32", int, int)
instantiate_both("i64", long, long)
instantiate_test("bool", bool, uchar)

#define instantiate_where(name, stored)                       \
  template [[host_name("elementwise_where_" name)]] [[kernel]] \
  decltype(elementwise_where<stored>) elementwise_where<stored>;

instantiate_where("8", uchar)
instantiate_where("16", ushort)
instantiate_where("32", uint)
instantiate_where("64", ulong)
