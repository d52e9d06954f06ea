// A Metal device: every operation recorded on its stream as kernels of metal/.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/backend.h"
#include "gpu/capabilities.h"
#include "gpu/pipelines.h"
#include "gpu/residency.h"
#include "gpu/stream.h"

namespace bitmetal::gpu {

// Orthogonal rows, and the order of their lengths as kernels know it.
struct JacobiResult {
  Array w, order;
};

class GpuBackend final : public Backend {
 public:
  GpuBackend(Ref<MTL::Device> device, const std::string& kind);

  std::string describe() const override;
  std::vector<std::pair<std::string, Capability>> list_capabilities() override;
  bool supports(DType dtype) const override;

  Block allocate(size_t bytes, Memory memory) override;
  void release(Block block) override;
  void renew(const Block& block) override;
  bool wrap(Block& block) override;
  void unwrap(const Block& block) override;
  std::pair<void*, size_t> object_of(const Array& a) override;
  Block wrap_object(void* object) override;
  void host_reads(const Array& a) override;
  void host_writes(const Array& a) override;
  void upload(const void* from, const Array& to) override;
  void download(const Array& from, void* to) override;
  size_t memory() const override;
  void synchronize() override { stream_.synchronize(); }
  uint64_t begin_batch() override;
  uint64_t end_batch() override;
  void wait_for_batch(uint64_t first, uint64_t last) override { stream_.wait(first, last); }
  bool batch_done(uint64_t last) override { return stream_.completed(last); }
  double batch_seconds(uint64_t first, uint64_t last) override {
    return stream_.gpu_seconds(first, last);
  }
  void drain() noexcept override { stream_.drain(); }

  void copy(const Array& in, const Array& out) override;
  void fill(const Array& out, double value) override;
  void elementwise(const Expression& expression, std::span<const Array> inputs,
                   const Array& out) override;
  void take(const Array& in, const Array& indices, const Array& out) override;
  void matmul(const Array& a, const Array& b, const Array& out) override;
  void reduce(Reduction op, const Array& in, double ddof, const Array& out) override;
  void scan(Scan op, const Array& in, const Array& out) override;
  void softmax(const Array& in, const Array& out) override;
  void rms_norm(const Array& in, const Array* weight, float eps, const Array& out) override;
  void layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                  const Array& out) override;
  bool ternary_quantize(const Array& weight, const TernaryMatrix& out) override;
  void ternary_pack(const Array& codes, const TernaryMatrix& out) override;
  void ternary_unpack(const TernaryMatrix& w, const Array& codes) override;
  void ternary_dequantize(const TernaryMatrix& w, const Array& out) override;
  void ternary_repack(const TernaryMatrix& w, const TernaryMatrix& out) override;
  void ternary_matmul(const Array& x, const TernaryMatrix& w, const Array& out) override;
  void bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias,
                 const Array* norm_weight, float eps, const Array& out) override;
  void blockwise_quantize(const Array& x, const BlockwiseArray& q) override;
  void blockwise_dequantize(const BlockwiseArray& q, const Array& out) override;
  void blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                        const Array& out) override;
  void int8_quantize_rows(const Array& x, float threshold, const Array& codes, const Array& absmax,
                          const Array* outliers) override;
  void int8_matmul(const Array& a, const Array& b, const Array& out) override;
  void int8_dequantize(const Array& sums, const Array& row_absmax, const Array& column_absmax,
                       const Array* bias, const Array& out) override;

  void cholesky(const Array& a, bool upper, const Array& out, const Array& info) override;
  void qr(const Array& a, const Array* q, const Array& r) override;
  void svd(const Array& a, const Array* u, const Array& s, const Array* vt,
           const Array& info) override;
  void eigh(const Array& a, bool upper, const Array& w, const Array* v, const Array& info) override;
  void solve_triangular(const Array& a, const Array& b, bool upper, bool transposed,
                        bool unit_diagonal, const Array& out, const Array& info) override;
  void solve(const Array& a, const Array& b, const Array& out, const Array& info) override;
  void pivots(const Array& a, const Array& out) override;

  MTL::Device& metal() const { return *device_.get(); }
  const Capabilities& capabilities() const { return capabilities_; }
  Pipelines& pipelines() { return pipelines_; }
  Stream& stream() { return stream_; }
  const Residency& residency() const { return residency_; }

 private:
  // One kernel of metal/FAMILY.metal.
  void run(std::string_view family, const std::string& kernel, const FunctionConstants& constants,
           std::initializer_list<Argument> arguments, const Grid& grid);

  // Steps of linear algebra on views [batch, rows, columns]; `part` is one of params.h.
  void copy_matrix(const Array& in, const Array& out, uint32_t part);
  // C -= A B in place. Rows or columns of C are neighbouring elements.
  void matmul_update(const Array& a, const Array& b, const Array& c, uint32_t part);
  void set_identity(const Array& out);
  void solve_blocks(const Array& t, const Array& x, bool upper, bool unit);
  // R on and above the diagonal of `a`, the reflections of Q below it, and their T.
  Array qr_factor(const Array& a);
  // The reflections of the panel at column `first` in place of C, whose rows are the panel's.
  void qr_apply(const Array& a, const Array& t, int64_t first, const Array& c, bool transpose_q);
  // Q C in place of C, whose first `zeros_left` columns are zeros below the diagonal.
  void qr_apply_all(const Array& a, const Array& t, const Array& c, int64_t zeros_left);
  // L, below the diagonal, and U in place of `a`; pivots as lu_panel.h has them, panel by panel.
  void lu_factor(const Array& a, const Array& pivots, const Array& info);
  // The swaps of the panel at row `first` in other rows' columns; `rows` begin with that row.
  void lu_swap(const Array& pivots, int64_t first, const Array& rows);
  // Turns the rows of `a` until they are orthogonal, and those of *j, the identity at first, with
  // them. `symmetric`: values are A's eigenvalues, from the triangle kLower or kUpper.
  JacobiResult jacobi(const Array& a, uint32_t symmetric, const Array* j, const Array& values,
                      const Array& info);
  void jacobi_sort(const Array& rows, const Array& order, bool normalize, const Array& out);
  void orthonormal_columns(const Array& rows, const Array& q);

  // Of private memory: through a buffer that both sides reach, a piece at a time.
  enum class Way { up, down };
  void transfer(const Array& a, std::byte* host, Way way);

  // An operation's operands are arrays, or null and a constant, of `type` or converted to it.
  void one_operation(Elementwise op, DType type, DType result, const Array* const* operands,
                     const uint64_t* constants, const Array& out);
  void fused(const Expression& expression, std::span<const Array> inputs, const Array& out);

  Ref<MTL::Device> device_;
  const Capabilities capabilities_;
  Pipelines pipelines_;
  Residency residency_;
  Stream stream_;
  std::mutex staging_mutex_;
  Ref<MTL::Buffer> staging_;
  std::mutex fused_mutex_;
  std::map<std::string, std::shared_ptr<Library>> fused_;  // by what source_of() writes
};

// The system's default device, and, where `discrete_kind` is not empty, those with a memory of
// their own. They live as long as the process.
std::vector<Device*> open_devices(const std::string& kind, const std::string& discrete_kind);

// Writes the pipelines of the device that was opened, if one was, to its Archive.
void save_archives() noexcept;

// The GPU behind a device, or null.
GpuBackend* backend_of(const Device& device);

}  // namespace bitmetal::gpu
