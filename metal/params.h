// Arguments of the kernels, shared by C++ and MSL. Every structure is bound as `constant T&`, in
// the kernel's last buffer. Members are plain and sorted so that no compiler pads between them.
//
// Sizes and strides count elements. Each kernel's header says what is bound where, and the grid.
#pragma once

#ifndef __METAL_VERSION__
#include <cstdint>
#endif

namespace bitmetal::kernels {

// Where both sides agree on a number. `constant` is MSL's word for the address space of constants.
#ifdef __METAL_VERSION__
#define BITMETAL_CONSTANT constant constexpr
#else
#define BITMETAL_CONSTANT inline constexpr
#endif

BITMETAL_CONSTANT uint32_t kSimdWidth = 32;

// Rows and columns of a block of 2-bit codes; the block's dword r holds row r. See ternary_panel.h.
BITMETAL_CONSTANT uint32_t kPanelRows = 16;
BITMETAL_CONSTANT uint32_t kPanelColumns = 16;

// Threads of a threadgroup where a kernel needs a certain number of them.
BITMETAL_CONSTANT uint32_t kReduceThreads = 256;
BITMETAL_CONSTANT uint32_t kMatmulThreads = 128;       // 4 simdgroups, each a quarter of the tile
BITMETAL_CONSTANT uint32_t kMatmulPlainThreads = 256;  // 16 by 16, each 4 by 4 outputs
BITMETAL_CONSTANT uint32_t kMatvecThreads = 256;       // 8 simdgroups that share a row's columns
BITMETAL_CONSTANT uint32_t kMatricesRows = 32;  // of a weight, that simdgroups decode (ternary)
BITMETAL_CONSTANT uint32_t kTriangularThreads = 64;  // each a column of the solution
BITMETAL_CONSTANT uint32_t kQrThreads = 512;      // at most: two rows a thread fit into registers
BITMETAL_CONSTANT uint32_t kTileThreads = 128;    // each 4 by 2 of 32 by 32 elements
BITMETAL_CONSTANT uint32_t kJacobiThreads = 256;  // where one threadgroup sees a whole matrix
BITMETAL_CONSTANT uint32_t kLuThreads = 512;      // at most, as for QR
BITMETAL_CONSTANT uint32_t kLuSwapThreads = 64;
BITMETAL_CONSTANT uint32_t kMatrixCopyThreads = 256;  // for 32 by 32 elements

// Times eight elements that a thread of blockwise_dequantize writes: their codes are loaded at
// once.
BITMETAL_CONSTANT uint32_t kDequantizeRuns = 4;

// Rows and columns of the output that a threadgroup computes.
BITMETAL_CONSTANT uint32_t kMatmulTile = 64;

// Elements of a lane of blockwise_quantize at a time.
BITMETAL_CONSTANT uint32_t kQuantizeEach = 16;

// Rows of a simdgroup of blockwise_matvec_pairs.
BITMETAL_CONSTANT uint32_t kPairRows = 8;

// Rows of a weight with up to 8, or 32, rows of activations.
BITMETAL_CONSTANT uint32_t kFew8Rows = 128;
BITMETAL_CONSTANT uint32_t kFew32Rows = 64;

// Sides of the blocks of linear algebra: what one threadgroup factors, and what it solves with.
BITMETAL_CONSTANT uint32_t kCholeskyBlock = 64;
BITMETAL_CONSTANT uint32_t kTriangularBlock = 32;
BITMETAL_CONSTANT uint32_t kJacobiBlock = 16;       // rows: the products of two blocks are a tile
BITMETAL_CONSTANT uint32_t kJacobiSweeps = 24;      // at most
BITMETAL_CONSTANT uint32_t kJacobiInnerSweeps = 2;  // over the products of two blocks
BITMETAL_CONSTANT uint32_t kQrPanel = 32;           // columns: a lane each where they are summed
BITMETAL_CONSTANT uint32_t kLuPanel = 32;

// Most threadgroups that the first pass of an all-reduction may have: the second pass is one
// threadgroup, and 1024 groups of 256 threads already fill the largest GPU.
BITMETAL_CONSTANT uint32_t kMaxPartials = 1024;

// Room for the state of one of its threadgroups.
BITMETAL_CONSTANT uint32_t kPartialBytes = 16;

// Elements of a line that a threadgroup of kReduceThreads threads scans at a time, four a thread.
BITMETAL_CONSTANT uint32_t kScanTile = 1024;

BITMETAL_CONSTANT uint32_t kCopyRank = 16;

// Side of a transposed tile, which kCopyTileThreads threads move, a row of it a simdgroup; elements
// of eight bytes have half of it, that the tile fits.
BITMETAL_CONSTANT uint32_t kCopyTile = 64;
BITMETAL_CONSTANT uint32_t kCopyTileThreads = 256;

// Indices of the function constants, all bool. A kernel's header names those that it needs set.
BITMETAL_CONSTANT uint32_t kFcAlongDepthA = 0;  // matmul: neighbours of A in memory differ in k
BITMETAL_CONSTANT uint32_t kFcAlongDepthB = 1;  // matmul: neighbours of B in memory differ in k
BITMETAL_CONSTANT uint32_t kFcVectorA = 2;  // A's pointer, row and batch steps are whole loads of
                                            // eight neighbours, at most 16 bytes (operand.h)
BITMETAL_CONSTANT uint32_t kFcVectorB = 3;  // the same for B (matvec: for the weight, and of four)
BITMETAL_CONSTANT uint32_t kFcHasBias = 4;
BITMETAL_CONSTANT uint32_t kFcHasWeight = 5;  // norms: multiply by a weight
BITMETAL_CONSTANT uint32_t kFcVectorX = 6;    // matvec: x's pointer and row step are multiples of 4
BITMETAL_CONSTANT uint32_t kFcNormalize = 7;  // bitlinear_quantize: RMS-normalize rows first
BITMETAL_CONSTANT uint32_t kFcWholeRuns =
    8;  // blockwise: eight codes are a load and have one scale
BITMETAL_CONSTANT uint32_t kFcNestedScales = 9;   // blockwise: scales are 8-bit codes themselves
BITMETAL_CONSTANT uint32_t kFcHalfScales = 10;    // blockwise: affine scales are half,
BITMETAL_CONSTANT uint32_t kFcBfloatScales = 11;  // or bfloat (else float)
BITMETAL_CONSTANT uint32_t kFcHasOutliers = 12;   // int8: columns are marked as outliers
BITMETAL_CONSTANT uint32_t kFcHasStarts = 13;     // scan_rows: blocks start from given totals

BITMETAL_CONSTANT uint32_t kFcOperation = 14;    // elementwise, uint: of enum Operation
BITMETAL_CONSTANT uint32_t kFcFlat = 15;         // elementwise: one dimension, strides 0 and 1
BITMETAL_CONSTANT uint32_t kFcHasA = 16;         // elementwise: the operand is an array,
BITMETAL_CONSTANT uint32_t kFcHasB = 17;         // no constant
BITMETAL_CONSTANT uint32_t kFcVectors = 18;      // four neighbours, from a multiple of four on, are
                                                 // aligned as a vector, in all arrays
BITMETAL_CONSTANT uint32_t kFcPowerBlocks = 20;  // blockwise: block sizes are powers of two
BITMETAL_CONSTANT uint32_t kFcWholeBlocks = 21;  // blockwise: rows begin with blocks
BITMETAL_CONSTANT uint32_t kFcHeldRow = 19;  // softmax, norms: a row fits in its threads' registers

// Times four elements of a row that a thread keeps: 64 bytes of float under way, 16384 columns.
BITMETAL_CONSTANT uint32_t kHeldFours = 4;
BITMETAL_CONSTANT uint32_t kRowThreads = 1024;  // at most

// Times that a thread takes four neighbours of flat arrays: 64 bytes of float under way.
BITMETAL_CONSTANT uint32_t kFlatPieces = 4;

struct FillParams {
  uint64_t count;
};

struct CopyParams {
  uint64_t shape[16];
  int64_t in_strides[16];
  int64_t out_strides[16];
  uint64_t count;
  int64_t in_start;  // where the first element is; strides may be negative
  uint32_t rank;
  uint32_t along;  // copy_tiles: the dimension along which the input runs
};

// Arrays walked together: index 0 is the output, i + 1 is input i, which starts at `starts` and has
// stride 0 where it is broadcast.
struct ElementwiseParams {
  uint64_t count;
  uint64_t shape[16];
  int64_t starts[13];
  int64_t strides[13][16];
  uint32_t rank;
  uint32_t unused;
};

// A view [outer, axis, inner]; the result is row-major [outer, inner].
struct ReduceParams {
  uint64_t outer;
  uint64_t axis;
  uint64_t inner;
  int64_t outer_stride;
  int64_t axis_stride;
  int64_t inner_stride;
  float divisor;  // of mean, var and std
  uint32_t unused;
};

// `taken` of n elements along the middle one of [outer, n, inner].
struct TakeParams {
  uint64_t outer;
  uint64_t n;
  uint64_t taken;
  uint64_t inner;
};

// Row-major [outer, axis, inner].
struct ScanParams {
  uint64_t outer;
  uint64_t axis;
  uint64_t inner;
  uint64_t block;  // elements of a line for a threadgroup, a multiple of kScanTile
};

// Rows of `columns` neighbouring elements, `*_stride` apart.
struct RowParams {
  uint64_t rows;
  uint64_t columns;
  int64_t in_stride;
  int64_t out_stride;
  float eps;
  uint32_t unused;
};

// C[m, n] = A[m, k] B[k, n], C row-major. B is seen as rows of n: element (n, k) lies at
// n * b_row_stride + k * b_depth_stride. Batch strides may be 0.
struct MatmulParams {
  uint32_t m;
  uint32_t n;
  uint32_t k;
  uint32_t unused;
  int64_t a_row_stride;
  int64_t a_depth_stride;
  int64_t a_batch_stride;
  int64_t b_row_stride;
  int64_t b_depth_stride;
  int64_t b_batch_stride;
};

// Which part of a matrix is meant; a triangle has the diagonal.
BITMETAL_CONSTANT uint32_t kWhole = 0;
BITMETAL_CONSTANT uint32_t kLower = 1;
BITMETAL_CONSTANT uint32_t kUpper = 2;

// A part of each matrix of a batch, the rest of the result zeros.
struct MatrixCopyParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t part;
  uint32_t unused;
  int64_t in_row_stride;
  int64_t in_column_stride;
  int64_t in_batch_stride;
  int64_t out_row_stride;
  int64_t out_column_stride;
  int64_t out_batch_stride;
};

// C[m, n] -= A B in place; of a triangle, tiles that it does not reach are left alone.
struct MatmulUpdateParams {
  MatmulParams product;
  int64_t c_row_stride;
  int64_t c_batch_stride;
  uint32_t part;
  uint32_t unused;
};

// The factor of a [n, n] block that starts `first` rows and columns into its matrix.
struct CholeskyParams {
  uint32_t n;
  uint32_t first;
  int64_t a_row_stride;
  int64_t a_column_stride;
  int64_t a_batch_stride;
  int64_t out_row_stride;
  int64_t out_column_stride;
  int64_t out_batch_stride;
};

// T X = B for a lower triangular T of [n, n] and `columns` columns of B.
struct TriangularParams {
  uint32_t n;
  uint32_t columns;
  uint32_t unit;  // the diagonal counts as ones and is not read
  uint32_t unused;
  int64_t t_start;  // of T(0, 0): strides are negative where an upper triangle is read backwards
  int64_t t_row_stride;
  int64_t t_column_stride;
  int64_t t_batch_stride;
  int64_t b_start;
  int64_t b_row_stride;
  int64_t b_column_stride;
  int64_t b_batch_stride;
};

// `steps` reflections of a panel of [rows, columns].
struct QrPanelParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t steps;
  uint32_t unused;
  int64_t row_stride;
  int64_t batch_stride;
  int64_t t_batch_stride;
};

struct QrApplyParams {
  uint32_t rows;
  uint32_t steps;
  uint32_t columns;
  uint32_t transposed;
  int64_t v_row_stride;
  int64_t v_batch_stride;
  int64_t t_batch_stride;
  int64_t c_row_stride;
  int64_t c_batch_stride;
};

// `steps` pivots of a panel of [rows, columns] that starts at row and column `first`.
struct LuPanelParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t steps;
  uint32_t first;
  int64_t row_stride;
  int64_t batch_stride;
  int64_t pivots_batch_stride;
};

struct LuSwapParams {
  uint32_t columns;
  uint32_t steps;
  int64_t row_stride;
  int64_t batch_stride;
  int64_t pivots_batch_stride;
};

// One matrix W that Jacobi's method works on.
struct JacobiState {
  float scale;  // W is scale * A + shift * I
  float shift;
  float least;  // rows of at most this sum of squares count as zeros
  uint32_t unused;
};

// The row that comes to a place in the order of their lengths, and the length of the row there.
struct JacobiRow {
  float length;
  float factor;  // one by the length of the row that comes here, 0 where it counts as zeros
  uint32_t row;
  uint32_t unused;
};

struct JacobiParams {
  uint32_t size;
  uint32_t blocks;  // of kJacobiBlock rows, rounded up to an even number
  uint32_t round;
  uint32_t sweep;
  float tolerance;  // rows are orthogonal when their product is at most that of their lengths by it
  uint32_t
      symmetric;  // eigenvalues are asked for: kLower or kUpper, the triangle; 0: singular values
};

// y[batch, rows] = x[batch, columns] W[rows, columns]^T, y row-major.
struct MatvecParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t batch;
  uint32_t unused;
  int64_t w_row_stride;
  int64_t x_row_stride;
};

// A ternary weight of [rows, columns] as panels, with `groups` scales a row of `group_size`
// columns.
struct TernaryParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t groups;
  uint32_t group_size;
  int64_t row_stride;     // of the dense side: weight, codes or result
  int64_t column_stride;  // ditto
};

// A product of activations [batch, columns], rows x_row_stride apart, with such a weight.
struct TernaryMatmulParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t batch;
  uint32_t groups;
  uint32_t group_size;
  uint32_t zero;  // is 0, which the compiler shall not know (ternary_panel.h)
  int64_t x_row_stride;
};

// int8 activations [rows, padded]: columns rounded up to kPanelColumns, the rest zeros.
struct QuantizeActivationsParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t padded;
  float eps;
  int64_t in_stride;
};

// A quantized weight of [rows, columns] and activations [batch, columns], rows x_row_stride apart.
struct BlockwiseParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t batch;
  uint32_t team;  // mat-vec: simdgroups that share a row's columns
  uint32_t block_size;
  uint32_t block_shift;  // log2 of block_size, or 32
  uint32_t nested_block;
  uint32_t nested_shift;
  float nested_offset;
  uint32_t unused;
  int64_t x_row_stride;
};

// Blocks over a flattened array.
struct BlockwiseQuantizeParams {
  uint64_t count;
  uint32_t block_size;
  uint32_t lane_shift;  // the logarithm of the lanes that share a block
};

// Rows of neighbours, without gaps.
struct Int8QuantizeParams {
  uint32_t rows;
  uint32_t columns;
  float threshold;
  uint32_t unused;
};

static_assert(sizeof(FillParams) == 8, "FillParams");
static_assert(sizeof(CopyParams) == 408, "CopyParams");
static_assert(sizeof(ElementwiseParams) == 1912, "ElementwiseParams");
static_assert(sizeof(ReduceParams) == 56, "ReduceParams");
static_assert(sizeof(TakeParams) == 32, "TakeParams");
static_assert(sizeof(ScanParams) == 32, "ScanParams");
static_assert(sizeof(RowParams) == 40, "RowParams");
static_assert(sizeof(MatmulParams) == 64, "MatmulParams");
static_assert(sizeof(MatrixCopyParams) == 64, "MatrixCopyParams");
static_assert(sizeof(MatmulUpdateParams) == 88, "MatmulUpdateParams");
static_assert(sizeof(CholeskyParams) == 56, "CholeskyParams");
static_assert(sizeof(TriangularParams) == 80, "TriangularParams");
static_assert(sizeof(QrPanelParams) == 40, "QrPanelParams");
static_assert(sizeof(QrApplyParams) == 56, "QrApplyParams");
static_assert(sizeof(JacobiState) == 16, "JacobiState");
static_assert(sizeof(JacobiRow) == 16, "JacobiRow");
static_assert(sizeof(JacobiParams) == 24, "JacobiParams");
static_assert(sizeof(LuPanelParams) == 40, "LuPanelParams");
static_assert(sizeof(LuSwapParams) == 32, "LuSwapParams");
static_assert(sizeof(MatvecParams) == 32, "MatvecParams");
static_assert(sizeof(TernaryParams) == 32, "TernaryParams");
static_assert(sizeof(TernaryMatmulParams) == 32, "TernaryMatmulParams");
static_assert(sizeof(QuantizeActivationsParams) == 24, "QuantizeActivationsParams");
static_assert(sizeof(BlockwiseParams) == 48, "BlockwiseParams");
static_assert(sizeof(BlockwiseQuantizeParams) == 16, "BlockwiseQuantizeParams");
static_assert(sizeof(Int8QuantizeParams) == 16, "Int8QuantizeParams");

}  // namespace bitmetal::kernels
