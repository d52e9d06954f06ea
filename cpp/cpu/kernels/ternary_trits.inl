// Between the two packings: four blocks of trits (five codes a byte, base 3) and five blocks of
// 2-bit codes. Byte j of trit block i holds, lowest digit first, the four fields of byte j of code
// block i, then field i of byte j of code block 4.

using Bytes = uint8_t __attribute__((vector_size(kVectorBytes)));
using SignedBytes = int8_t __attribute__((vector_size(kVectorBytes)));

// The digit at `place`, times `unit`; the rest stays in `trits`, which is below 3 * place.
inline Bytes take_digit(Bytes& trits, uint8_t place, uint8_t unit) {
  const Bytes one =
      reinterpret_cast<Bytes>(reinterpret_cast<SignedBytes>(trits) >= static_cast<int8_t>(place));
  const Bytes two = reinterpret_cast<Bytes>(reinterpret_cast<SignedBytes>(trits) >=
                                            static_cast<int8_t>(2 * place));
  trits -= (one & place) + (two & place);
  return (one & unit) + (two & unit);
}

inline void expand_fives(const uint8_t* trits, int64_t fives, uint8_t* codes) {
  for (int64_t n = 0; n < fives; ++n, trits += 4 * 64, codes += 5 * 64) {
    for (int64_t j = 0; j < 64; j += kVectorBytes) {
      Bytes last = {};
      for (int i = 0; i < 4; ++i) {
        Bytes t;
        std::memcpy(&t, trits + 64 * i + j, sizeof t);
        const Bytes one = reinterpret_cast<Bytes>(t >= 81), two = reinterpret_cast<Bytes>(t >= 162);
        t -= (one & 81) + (two & 81);
        const auto unit = static_cast<uint8_t>(1 << 2 * i);
        last += (one & unit) + (two & unit);
        Bytes fields = take_digit(t, 27, 64);
        fields += take_digit(t, 9, 16);
        fields += take_digit(t, 3, 4);
        fields += t;
        std::memcpy(codes + 64 * i + j, &fields, sizeof fields);
      }
      std::memcpy(codes + 4 * 64 + j, &last, sizeof last);
    }
  }
}

inline void pack_trits(const uint8_t* codes, int64_t fives, uint8_t* trits) {
  for (int64_t n = 0; n < fives; ++n, trits += 4 * 64, codes += 5 * 64) {
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 64; ++j) {
        const int c = codes[64 * i + j], last = codes[4 * 64 + j] >> 2 * i & 3;
        trits[64 * i + j] = static_cast<uint8_t>((c & 3) + 3 * (c >> 2 & 3) + 9 * (c >> 4 & 3) +
                                                 27 * (c >> 6) + 81 * last);
      }
    }
  }
}

#ifdef BITMETAL_TRIT_TARGET
struct FieldTable {
  uint8_t fields[128] = {};
  constexpr FieldTable() {
    for (int t = 0; t < 81; ++t) {
      fields[t] = static_cast<uint8_t>(t % 3 | t / 3 % 3 << 2 | t / 9 % 3 << 4 | t / 27 << 6);
    }
  }
};
constexpr FieldTable kFieldTable;

BITMETAL_TRIT_TARGET inline void expand_fives_by_lookup(const uint8_t* trits, int64_t fives,
                                                        uint8_t* codes) {
  const TritLookup lookup(kFieldTable.fields);
  for (int64_t n = 0; n < fives; ++n, trits += 4 * 64, codes += 5 * 64) {
    Codes fifth[4];
    for (int i = 0; i < 4; ++i) {
      store_codes(codes + 64 * i, lookup.expand(load_codes(trits + 64 * i), fifth[i]));
    }
    store_codes(codes + 4 * 64, lookup.field<0>(fifth[0]) | lookup.field<1>(fifth[1]) |
                                    lookup.field<2>(fifth[2]) | lookup.field<3>(fifth[3]));
  }
}

// Sums of one panel and one row of activations. The fifth digits are multiplied as they come out of
// a byte: 4 * 4 * 162 * 127 a five, of which a segment has 3277, is less than 2^31.
BITMETAL_TRIT_TARGET inline I32x16 dot_fives(const uint8_t* trits, const int8_t* q, int64_t fives) {
  constexpr int64_t kRun = InPlaceDot::kMaxBlocks / 4;
  static_assert(kRun <= Dot::kMaxBlocks);
  const TritLookup lookup(kFieldTable.fields);
  I32x16 total = broadcast_int(0);
  for (int64_t begin = 0; begin < fives; begin += kRun) {
    InPlaceDot dot;
    Dot fifths;
    dot.clear();
    fifths.clear();
    const int64_t end = begin + kRun < fives ? begin + kRun : fives;
    for (int64_t n = begin; n < end; ++n, trits += 4 * 64, q += 5 * 16) {
      Codes fifth[4];
      // Further ahead than two bits a weight: one stream to a thread, not one for each panel.
      for (int i = 0; i < 4; ++i) prefetch(trits + 64 * i + 4 * kPrefetchBytes);
      for (int i = 0; i < 4; ++i) {
        dot.add(lookup.expand(load_codes(trits + 64 * i), fifth[i]), load_activations(q + 16 * i));
      }
      const Activations last = load_activations(q + 4 * 16);
      fifths.add<0>(fifth[0], last);
      fifths.add<1>(fifth[1], last);
      fifths.add<2>(fifth[2], last);
      fifths.add<3>(fifth[3], last);
    }
    total = add(total, add(dot.sums(), div(fifths.sums(), TritLookup::kFifthUnit)));
  }
  return total;
}
#endif

inline void expand_trits(const uint8_t* trits, int64_t fives, uint8_t* codes) {
#ifdef BITMETAL_TRIT_TARGET
  if (has_trit_lookup()) return expand_fives_by_lookup(trits, fives, codes);
#endif
  expand_fives(trits, fives, codes);
}

// The product of panels of trits, of one group and at most kSegmentBlocks, and one row, without
// expanding the weights in memory. False where the processor is better off with expand_trits().
inline bool multiply_trits([[maybe_unused]] const Panels& w, [[maybe_unused]] const Int8Rows& x,
                           [[maybe_unused]] float* y) {
#ifdef BITMETAL_TRIT_TARGET
  if (has_trit_lookup()) {
    const int64_t fives = (w.blocks + 4) / 5;
    for (int64_t p = 0; p < w.count; ++p) {
      const I32x16 sum = dot_fives(w.codes + p * fives * 4 * 64, x.values, fives);
      store(y + p * 16, mul(to_float(sub(sum, broadcast_int(x.sums[0]))), load(w.scales + p * 16)));
    }
    return true;
  }
#endif
  return false;
}
