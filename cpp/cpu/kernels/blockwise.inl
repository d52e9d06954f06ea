// Blockwise quantized tensors.

#include "cpu/kernels/blockwise_decode.inl"

#include "cpu/kernels/blockwise_dot.inl"
#include "cpu/kernels/blockwise_quantize.inl"

template <class T>
constexpr BlockTypeKernels<T> kBlockTypeKernels{
    .quantize_absmax = quantize_nibbles<AbsmaxScale, true, T>,
    .quantize_mxfp4 = quantize_nibbles<E8m0Scale, false, T>,
    .quantize_nvfp4 = quantize_nibbles<E4m3Scale, false, T>,
    .quantize_bytes = quantize_bytes<T>,
    .quantize_affine = quantize_affine<T>,
    .decode = {decode_blocks<NibbleLoader<true>, T>, decode_blocks<NibbleLoader<false>, T>,
               decode_blocks<ByteLoader, T>, decode_blocks<AffineLoader<2>, T>,
               decode_blocks<AffineLoader<3>, T>, decode_blocks<AffineLoader<4>, T>,
               decode_blocks<AffineLoader<6>, T>, decode_blocks<AffineLoader<8>, T>},
};

constexpr BlockwiseKernels kBlockwiseKernels{
    .f32 = kBlockTypeKernels<float>,
    .f16 = kBlockTypeKernels<float16>,
    .bf16 = kBlockTypeKernels<bfloat16>,
    .dot = {dot_blocks_of<NibbleLoader<true>>, dot_blocks_of<NibbleLoader<false>>,
            dot_blocks_of<ByteLoader>, dot_blocks_of<AffineLoader<2>>,
            dot_blocks_of<AffineLoader<3>>, dot_blocks_of<AffineLoader<4>>,
            dot_blocks_of<AffineLoader<6>>, dot_blocks_of<AffineLoader<8>>},
    .dot_nibbles = {dot_nibbles<false, FloatNibbles>, dot_nibbles<true, FloatNibbles>},
    .decode_words = {decode_words<false>, decode_words<true>},
};
