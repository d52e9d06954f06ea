#include <algorithm>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/stream.h"
#include "cpu/walk.h"

namespace bitmetal::cpu {
namespace {

template <class Word>
void fill_words(const Array& out, Word value) {
  const Walk walk(out, out);
  const int last = walk.rank - 1;
  Word* data = out.data_as<Word>();
  if (walk.rank == 0) {
    data[walk.out_offset] = value;
  } else if (walk.rank == 1 && walk.out_stride[0] == 1) {
    Word* first = data + walk.out_offset;
    parallel_for(walk.size[0], grain_of(sizeof(Word)), [&](int64_t begin, int64_t end) {
      if (out.bytes() < kStreamBytes) return std::fill(first + begin, first + end, value);
      constexpr int64_t kBlock = 4096 / sizeof(Word);
      alignas(64) Word block[kBlock];
      std::fill(block, block + kBlock, value);
      for (int64_t i = begin; i < end; i += kBlock) {
        stream(first + i, block, std::min(kBlock, end - i) * sizeof(Word));
      }
      stream_fence();
    });
  } else {
    const int64_t length = walk.size[last], stride = walk.out_stride[last];
    parallel_for(walk.count(last), grain_of(length * sizeof(Word)),
                 [&](int64_t begin, int64_t end) {
                   Position at(walk, last, begin);
                   for (int64_t i = begin; i < end; ++i, at.next()) {
                     for (int64_t j = 0; j < length; ++j) data[at.out + j * stride] = value;
                   }
                 });
  }
}

}  // namespace

void CpuBackend::fill(const Array& out, double value) {
  uint64_t element = 0;
  kernels().convert.of(DType::f64, out.dtype())(&value, &element, 1);
  switch (size_of(out.dtype())) {
    case 1: return fill_words(out, static_cast<uint8_t>(element));
    case 2: return fill_words(out, static_cast<uint16_t>(element));
    case 4: return fill_words(out, static_cast<uint32_t>(element));
    default: return fill_words(out, element);
  }
}

}  // namespace bitmetal::cpu
