#include "copy.h"

// clang-format off
#define instantiate(in_name, in, out_name, out)                           \
  template [[host_name("copy_flat_" in_name "_" out_name)]] [[kernel]]    \
  decltype(copy_flat<in, out>) copy_flat<in, out>;                        \
  template [[host_name("copy_strided_" in_name "_" out_name)]] [[kernel]] \
  decltype(copy_strided<in, out>) copy_strided<in, out>;

#define instantiate_from(name, in)      \
  instantiate(name, in, "f32", float)   \
  instantiate(name, in, "f16", half)    \
  instantiate(name, in, "bf16", bfloat) \
  instantiate(name, in, "i8", char)     \
  instantiate(name, in, "u8", uchar)    \
  instantiate(name, in, "i32", int)     \
  instantiate(name, in, "i64", long)    \
  instantiate(name, in, "bool", bool)

instantiate_from("f32", float)
instantiate_from("f16", half)
instantiate_from("bf16", bfloat)
instantiate_from("i8", char)
instantiate_from("u8", uchar)
instantiate_from("i32", int)
instantiate_from("i64", long)
instantiate_from("bool", bool)

#define instantiate_tiles(size, type)                       \
  template [[host_name("copy_tiles_" size)]] [[kernel]]     \
  decltype(copy_tiles<type>) copy_tiles<type>;

instantiate_tiles("8", uchar)
instantiate_tiles("16", ushort)
instantiate_tiles("32", uint)
instantiate_tiles("64", ulong)
