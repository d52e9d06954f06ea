// The value of a function constant, as whatever type it is declared with.
namespace sm_program {

struct sm_constant {
  ulong low, high;
  template <class T>
  constexpr operator T() const {
    if constexpr (metal::is_vector_v<T>) {
      typedef metal::sm_element_t<T> E;
      T out(E(0));
      for (unsigned i = 0; i < unsigned(metal::sm_parts<T>); ++i) out[i] = part<E>(i);
      return out;
    } else {
      return part<T>(0);
    }
  }

 private:
  template <class E>
  constexpr E part(unsigned i) const {
    const unsigned bit = 8 * sizeof(E) * i;
    const ulong word = bit < 64 ? low >> bit : high >> (bit - 64);
    if constexpr (metal::is_same_v<E, bool>)
      return (word & 255) != 0;
    else
      return __builtin_bit_cast(E, static_cast<metal::make_unsigned_t<E>>(word));
  }
};

}  // namespace sm_program
