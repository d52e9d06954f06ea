#include "scan.h"

// clang-format off
#define instantiate_scan(name, terms, type)                                            \
  template [[host_name("scan_rows_" name)]] [[kernel]]                                 \
  decltype(scan_rows<terms, type, type>) scan_rows<terms, type, type>;                 \
  template [[host_name("scan_totals_" name)]] [[kernel]]                               \
  decltype(scan_totals<terms, type>) scan_totals<terms, type>;                         \
  template [[host_name("scan_columns_" name)]] [[kernel]]                              \
  decltype(scan_columns<terms, type, type>) scan_columns<terms, type, type>;

#define instantiate_starts(name, terms, type)             \
  template [[host_name("scan_starts_" name)]] [[kernel]]  \
  decltype(scan_starts<terms, type>) scan_starts<terms, type>;

instantiate_scan("sum_f32", AddTerms<float>, float)
instantiate_scan("sum_f16", AddTerms<float>, half)
instantiate_scan("sum_bf16", AddTerms<float>, bfloat)
instantiate_scan("sum_i64", AddTerms<long>, long)
instantiate_scan("prod_f32", MultiplyTerms<float>, float)
instantiate_scan("prod_f16", MultiplyTerms<float>, half)
instantiate_scan("prod_bf16", MultiplyTerms<float>, bfloat)
instantiate_scan("prod_i64", MultiplyTerms<long>, long)

instantiate_starts("sum_f32", AddTerms<float>, float)
instantiate_starts("sum_i64", AddTerms<long>, long)
instantiate_starts("prod_f32", MultiplyTerms<float>, float)
instantiate_starts("prod_i64", MultiplyTerms<long>, long)
