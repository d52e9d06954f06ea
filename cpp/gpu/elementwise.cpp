#include <cstring>
#include <optional>

#include "core/elementwise_walk.h"
#include "gpu/backend.h"
#include "gpu/expression_source.h"
#include "gpu/kernel_sources.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// A walk over arrays that are seen from the lowest of their bytes on.
struct Places {
  kernels::ElementwiseParams params{};
  Array out;
  std::vector<Array> inputs;
  bool flat, vectors;

  Places(std::span<const Array> given, const Array& to)
      : Places(ElementwiseWalk(given, to), given, to) {}

  Grid grid() const { return grid_of_elements(params.count, flat ? kFlatEach : 1); }

 private:
  Places(const ElementwiseWalk& walk, std::span<const Array> given, const Array& to)
      : out(seen(walk, 0, to)),
        flat(walk.rank <= 1 && params.strides[0][0] <= 1),
        vectors(vector_at(0, out)) {
    params.count = static_cast<uint64_t>(to.size());
    params.rank = static_cast<uint32_t>(walk.rank);
    for (int i = 0; i < walk.rank; ++i) params.shape[i] = static_cast<uint64_t>(walk.size[i]);
    for (size_t k = 0; k < given.size(); ++k) {
      inputs.push_back(seen(walk, static_cast<int>(k) + 1, given[k]));
      flat &= params.strides[k + 1][0] >> 1 == 0;
      vectors &= params.strides[k + 1][0] == 0 || vector_at(k + 1, inputs[k]);
    }
  }

  // Whether four elements from the start of array k on are aligned as a vector.
  bool vector_at(size_t k, const Array& a) const {
    const int64_t start = params.starts[k] * static_cast<int64_t>(size_of(a.dtype()));
    return (reinterpret_cast<uintptr_t>(a.data()) + start) % (4 * size_of(a.dtype())) == 0;
  }

  Array seen(const ElementwiseWalk& walk, int k, const Array& a) {
    int64_t lowest = walk.offset[k];
    for (int i = 0; i < walk.rank; ++i) {
      params.strides[k][i] = walk.stride[k][i];
      lowest += std::min<int64_t>(0, (walk.size[i] - 1) * walk.stride[k][i]);
    }
    params.starts[k] = walk.offset[k] - lowest;
    return elements_from(a, lowest);
  }
};

// An expression of one operation, whose operands are inputs or constants, converted or not.
struct OneStep {
  Elementwise op;
  DType type;                  // of the operands; where's second and third
  DType result;                // of the operation
  const Array* array[3] = {};  // null for a constant
  uint64_t constant[3] = {};
};

std::optional<OneStep> one_step(const Expression& e, std::span<const Array> inputs) {
  int at = -1;
  for (int i = 0; i < e.size(); ++i) {
    if (e[i].op <= Elementwise::cast) continue;
    if (at >= 0) return std::nullopt;
    at = i;
  }
  // Behind it at most a conversion of its result.
  const int last = e.size() - 1;
  if (at < 0 || (at != last && (at + 1 != last || e[last].operand[0] != at))) return std::nullopt;
  OneStep step{e[at].op, {}, e[at].dtype};
  const int first_of_type = step.op == Elementwise::where ? 1 : 0;
  step.type = e.operand_type(e[at], first_of_type);
  for (int k = 0; k < arity_of(step.op); ++k) {
    const Node* node = &e[e[at].operand[k]];
    if (node->op == Elementwise::cast) {
      node = &e[node->operand[0]];
      if (node->op != Elementwise::input) return std::nullopt;
    }
    if (node->op == Elementwise::input) {
      step.array[k] = &inputs[node->operand[0]];
    } else {
      step.constant[k] = node->bits;
    }
  }
  if (step.op == Elementwise::where && !step.array[0]) return std::nullopt;
  return step;
}

// `a` without the copies that broadcasting shows.
Array shrunk(const Array& a) {
  Dims shape = a.shape();
  for (int i = 0; i < a.rank(); ++i) {
    if (a.stride(i) == 0) shape[i] = 1;
  }
  return a.with(shape, a.strides());
}

bool is_half(DType t) { return t == DType::f16 || t == DType::bf16; }

}  // namespace

void GpuBackend::elementwise(const Expression& expression, std::span<const Array> inputs,
                             const Array& out) {
  const Node& result = expression.result();
  if (expression.size() == 2 && result.op == Elementwise::cast &&
      expression[0].op == Elementwise::input) {
    return copy(inputs[0], out);
  }
  if (const auto step = one_step(expression, inputs)) {
    return one_operation(step->op, step->type, step->result, step->array, step->constant, out);
  }
  fused(expression, inputs, out);
}

void GpuBackend::one_operation(Elementwise op, DType type, DType result, const Array* const* given,
                               const uint64_t* constants, const Array& out) {
  const bool chooses = op == Elementwise::where;
  const int arity = arity_of(op);
  // Halves are widened by the kernel itself where all operands and the result have that type.
  DType stored = type;
  for (int k = chooses; k < arity; ++k) {
    if (given[k] && type == DType::f32 && is_half(given[k]->dtype())) stored = given[k]->dtype();
  }
  const bool tests = !chooses && result == DType::boolean;
  bool alike = tests || out.dtype() == stored;
  for (int k = chooses; k < arity; ++k) alike &= !given[k] || given[k]->dtype() == stored;
  // A constant for where is moved as it is, so it has the type of the operands.
  if (!alike || (chooses && stored != type)) stored = type;

  std::vector<Array> operands;
  bool is_array[3] = {};
  for (int k = 0; k < arity; ++k) {
    if (!given[k]) continue;
    is_array[k] = true;
    const DType wanted = chooses && k == 0 ? DType::boolean : stored;
    const bool as_is = given[k]->dtype() == wanted;
    operands.push_back(as_is ? *given[k]
                             : broadcast_to(astype(shrunk(*given[k]), wanted), out.shape()));
  }
  const DType written = tests ? DType::boolean : stored;
  const Array target =
      out.dtype() == written ? out : Array(out.shape(), written, out.device(), Memory::device);
  Places places(operands, target);
  // What no array is takes a place among them all the same.
  size_t next = 0;
  kernels::ElementwiseParams params = places.params;
  std::vector<Argument> arguments;
  for (int k = 0; k < (chooses ? 3 : 2); ++k) {
    if (!is_array[k]) {
      arguments.push_back(Argument::none());
      continue;
    }
    params.starts[k + 1] = places.params.starts[next + 1];
    std::copy_n(places.params.strides[next + 1], 16, params.strides[k + 1]);
    arguments.push_back(Argument::in(places.inputs[next++]));
  }
  arguments.push_back(Argument::out(places.out));
  arguments.push_back(Argument::constant(params));
  arguments.push_back(Argument::bytes(constants, 3 * sizeof(uint64_t)));

  const int first = chooses ? 1 : 0;
  FunctionConstants settings{{kernels::kFcFlat, places.flat},
                             {kernels::kFcVectors, places.vectors},
                             {kernels::kFcHasA, is_array[first]},
                             {kernels::kFcHasB, is_array[first + 1]}};
  std::string kernel;
  if (chooses) {
    kernel = cat("elementwise_where_", 8 * size_of(stored));
  } else {
    const auto number = static_cast<uint32_t>(op);
    std::vector<std::byte> bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    settings.emplace_back(kernels::kFcOperation, MTL::DataTypeUInt, std::move(bytes));
    kernel = cat(tests ? "elementwise_test_" : "elementwise_map_", suffix_of(stored));
  }
  stream_.require_own_process();
  stream_.dispatch(pipelines_.get("elementwise", kernel, settings), arguments, places.grid());
  if (out.dtype() != written) copy(target, out);
}

void GpuBackend::fused(const Expression& expression, std::span<const Array> inputs,
                       const Array& out) {
  const std::string own = source_of(expression);
  std::shared_ptr<Library> library;
  {
    const std::lock_guard lock(fused_mutex_);
    std::shared_ptr<Library>& kept = fused_[own];
    if (!kept) kept = pipelines_.compile(expanded_source("elementwise.h") + own, false);
    library = kept;
  }
  const Places places(inputs, out);
  uint64_t constants[kMaxExpressionNodes] = {};
  for (int i = 0; i < expression.size(); ++i) constants[i] = expression[i].bits;
  std::vector<Argument> arguments;
  for (const Array& input : places.inputs) arguments.push_back(Argument::in(input));
  arguments.push_back(Argument::out(places.out));
  arguments.push_back(Argument::constant(places.params));
  arguments.push_back(Argument::bytes(constants, sizeof constants));
  stream_.require_own_process();
  stream_.dispatch(library->pipeline("fused", {{kernels::kFcFlat, places.flat},
                                               {kernels::kFcVectors, places.vectors}}),
                   arguments, places.grid());
}

}  // namespace bitmetal::gpu
