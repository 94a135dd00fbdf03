#include "tenon/runtime/cpu/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/onednn/primitive.h"

namespace tenon {
namespace {

using detail::Primitive;

/// Gives dimensions of one entry the stride that makes the matrix look dense. False if neither rows
/// nor columns are contiguous, for which the library has only its slow reference kernel.
bool normalise(MatrixStrides& strides, int64_t rows, int64_t columns) {
  if (columns == 1) strides.column = 1;
  if (rows == 1 && strides.column == 1) strides.row = columns;
  if (rows == 1 && strides.column != 1) strides.row = 1;
  if (columns == 1 && strides.row < 1) return rows == 1;
  if (strides.column == 1) return strides.row >= columns;
  return strides.row == 1 && strides.column >= rows;
}

/// Merges neighbouring batch dimensions that all three operands step through evenly.
void merge_batch(MatmulProblem& p) {
  std::vector<int64_t> dims;
  const auto operands = {&p.lhs, &p.rhs, &p.out};
  std::vector<std::vector<int64_t>> merged(3);
  for (size_t i = 0; i < p.batch.size(); ++i) {
    if (p.batch[i] == 1) continue;
    bool even = !dims.empty();
    size_t o = 0;
    for (const MatrixStrides* s : operands) {
      even = even && merged[o++].back() == s->batch[i] * p.batch[i];
    }
    if (even) {
      dims.back() *= p.batch[i];
    } else {
      dims.push_back(p.batch[i]);
    }
    o = 0;
    for (const MatrixStrides* s : operands) {
      if (even) merged[o].pop_back();
      merged[o++].push_back(s->batch[i]);
    }
  }
  p.batch = dims;
  p.lhs.batch = merged[0];
  p.rhs.batch = merged[1];
  p.out.batch = merged[2];
}

dnnl::memory::desc layout_of(const MatmulProblem& p, int64_t rows, int64_t columns,
                             const MatrixStrides& strides, size_t batch_dims) {
  dnnl::memory::dims dims, steps;
  for (size_t i = 0; i < batch_dims; ++i) {
    const bool repeated = strides.batch[i] == 0;
    dims.push_back(repeated ? 1 : p.batch[i]);
    steps.push_back(repeated ? rows * columns : strides.batch[i]);
  }
  dims.insert(dims.end(), {rows, columns});
  steps.insert(steps.end(), {strides.row, strides.column});
  return {dims, detail::onednn_dtype(p.dtype), steps};
}

/// A product over `batch_dims` of the batch dimensions.
struct Product {
  Primitive primitive;
  size_t scratch_bytes = 0;
  std::string implementation;
};

Product make_product(const MatmulProblem& p, size_t batch_dims) {
  const auto lhs = layout_of(p, p.m, p.k, p.lhs, batch_dims);
  const auto rhs = layout_of(p, p.k, p.n, p.rhs, batch_dims);
  const auto out = layout_of(p, p.m, p.n, p.out, batch_dims);
  const dnnl::matmul::primitive_desc descriptor(
      dnnl::matmul::desc(lhs, rhs, out), detail::scratch_from_caller(), detail::cpu_engine());
  Product product;
  product.scratch_bytes = descriptor.scratchpad_desc().get_size();
  product.implementation = descriptor.impl_info_str();
  std::vector<Primitive::Argument> arguments = {
      {DNNL_ARG_SRC, lhs},
      {DNNL_ARG_WEIGHTS, rhs},
      {DNNL_ARG_DST, out},
      {DNNL_ARG_SCRATCHPAD, descriptor.scratchpad_desc()}};
  product.primitive = Primitive(dnnl::matmul(descriptor), std::move(arguments));
  return product;
}

double operations_of(const MatmulProblem& p) {
  return 2.0 * static_cast<double>(element_count(p.batch)) * static_cast<double>(p.m) *
         static_cast<double>(p.n) * static_cast<double>(p.k);
}

/// About five microseconds of one thread.
constexpr double kSmallOperations = 5e5;

class MatmulKernel : public OpKernel {
 public:
  explicit MatmulKernel(const MatmulProblem& problem, bool swapped)
      : problem_(problem), swapped_(swapped) {}

  int64_t scratch_bytes() const override { return static_cast<int64_t>(slots_ * slot_bytes_); }
  double flops() const override { return operations_of(problem_); }
  std::string description() const override {
    return fmt::format("onednn matmul {}", implementation_);
  }

 protected:
  struct Addresses {
    char *lhs, *rhs, *out;
  };
  Addresses addresses(void* const* inputs, void* const* outputs) const {
    const auto bytes = [](void* pointer) { return static_cast<char*>(pointer); };
    return {bytes(inputs[swapped_ ? 1 : 0]), bytes(inputs[swapped_ ? 0 : 1]), bytes(outputs[0])};
  }
  void multiply(const Product& product, const Addresses& at, void* scratch) const {
    product.primitive.run({at.lhs, at.rhs, at.out, scratch});
  }

  MatmulProblem problem_;
  bool swapped_;  // out is column-major: its transpose is computed
  size_t slots_ = 1;
  size_t slot_bytes_ = 0;
  std::string implementation_;
};

/// The library's own threads, or none for a product that is done before they are awake.
class WholeMatmul : public MatmulKernel {
 public:
  WholeMatmul(const MatmulProblem& problem, bool swapped, Product product, bool is_small)
      : MatmulKernel(problem, swapped), product_(std::move(product)), is_small_(is_small) {
    slot_bytes_ = product_.scratch_bytes;
    implementation_ = product_.implementation;
  }
  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    if (is_small_) {
      const detail::OneThread alone;
      multiply(product_, addresses(inputs, outputs), scratch);
    } else {
      multiply(product_, addresses(inputs, outputs), scratch);
    }
  }

 private:
  Product product_;
  bool is_small_;
};

/// Cut into blocks of rows or of columns, each done by one thread: where the library would cut k by
/// the number of threads, so that the bits would depend on it. The longer side is cut, since each
/// block brings the other operand into the library's order anew.
class CutMatmul : public MatmulKernel {
 public:
  CutMatmul(const MatmulProblem& problem, bool swapped) : MatmulKernel(problem, swapped) {
    const detail::OneThread alone;
    cuts_rows_ = problem_.m >= problem_.n;
    const int64_t side = cuts_rows_ ? problem_.m : problem_.n;
    block_ = block_size(side);
    blocks_ = (side + block_ - 1) / block_;
    main_ = make_product(part(block_), 0);
    if (const int64_t rest = side % block_) tail_ = make_product(part(rest), 0);
    slot_bytes_ = round_up(std::max(main_.scratch_bytes, tail_.scratch_bytes), kBufferAlignment);
    items_ = element_count(problem_.batch) * blocks_;
    if (slot_bytes_ > 0) {
      slots_ = static_cast<size_t>(std::min<int64_t>(items_, thread_count()));
    } else {
      slots_ = static_cast<size_t>(std::min<int64_t>(items_, 64));
    }
    implementation_ = fmt::format("{} in {} blocks", main_.implementation, items_);
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const Addresses base = addresses(inputs, outputs);
    const auto slots = static_cast<int64_t>(slots_);
    detail::for_each_item(items_, slots, [&](int64_t i, size_t slot) {
      run_block(base, i, static_cast<char*>(scratch) + slot * slot_bytes_);
    });
  }

 private:
  /// The problem with so many rows, or columns, of its own.
  MatmulProblem part(int64_t size) const {
    MatmulProblem p = problem_;
    (cuts_rows_ ? p.m : p.n) = size;
    return p;
  }

  int64_t block_size(int64_t side) const {
    const MatmulProblem& p = problem_;
    const double work = 2.0 * static_cast<double>(p.m * p.n) * static_cast<double>(p.k);
    const int64_t most = static_cast<int64_t>(work / 1e6) + 1;  // 10 us of one thread at least
    const int64_t wanted = element_count(p.batch) >= 8 ? 1 : 8;
    const int64_t size = (side + std::min(most, wanted) - 1) / std::min(most, wanted);
    return std::min(side, round_up(size, 16));
  }

  void run_block(const Addresses& base, int64_t item, void* scratch) const {
    const int64_t block = item % blocks_;
    int64_t matrix = item / blocks_;
    const int64_t first = block * block_;
    int64_t lhs = cuts_rows_ ? first * problem_.lhs.row : 0;
    int64_t rhs = cuts_rows_ ? 0 : first * problem_.rhs.column;
    int64_t out = first * (cuts_rows_ ? problem_.out.row : problem_.out.column);
    for (size_t d = problem_.batch.size(); d-- > 0;) {
      const int64_t index = matrix % problem_.batch[d];
      matrix /= problem_.batch[d];
      lhs += index * problem_.lhs.batch[d];
      rhs += index * problem_.rhs.batch[d];
      out += index * problem_.out.batch[d];
    }
    const auto size = static_cast<int64_t>(size_of(problem_.dtype));
    const bool whole = first + block_ <= (cuts_rows_ ? problem_.m : problem_.n);
    multiply(whole ? main_ : tail_,
             {base.lhs + lhs * size, base.rhs + rhs * size, base.out + out * size}, scratch);
  }

  bool cuts_rows_ = true;
  int64_t block_ = 0, blocks_ = 0, items_ = 0;
  Product main_, tail_;
};

std::unique_ptr<OpKernel> create(MatmulProblem p, std::string& why_not) {
  if (p.m < 1 || p.n < 1 || p.k < 1 || element_count(p.batch) < 1) {
    why_not = "an operand is empty";
    return nullptr;
  }
  if (detail::onednn_dtype(p.dtype) == dnnl::memory::data_type::undef) {
    why_not = fmt::format("oneDNN has no fast {} matmul", name_of(p.dtype));
    return nullptr;
  }
  merge_batch(p);
  bool swapped = false;
  if (p.out.column != 1 && p.n != 1) {
    swapped = true;
    std::swap(p.m, p.n);
    std::swap(p.lhs, p.rhs);
    for (MatrixStrides* s : {&p.lhs, &p.rhs, &p.out}) std::swap(s->row, s->column);
  }
  const bool fits = normalise(p.lhs, p.m, p.k) && normalise(p.rhs, p.k, p.n) &&
                    normalise(p.out, p.m, p.n) && p.out.column == 1;
  if (!fits) {
    why_not = "neither rows nor columns of an operand are contiguous";
    return nullptr;
  }
  if (std::ranges::count(p.out.batch, 0) > 0) {
    why_not = "results of a batch overlap";
    return nullptr;
  }
  // The library cuts a long k by the number of threads for a transposed lhs (its case of a weight's
  // gradient) and in its older kernel for operands with gaps; it never does elsewhere.
  const bool is_small = operations_of(p) < kSmallOperations;
  const auto make_whole = [&] {
    if (!is_small) return make_product(p, p.batch.size());
    const detail::OneThread alone;
    return make_product(p, p.batch.size());
  };
  Product whole = make_whole();
  const bool transposed_lhs = p.lhs.column != 1;
  const bool cuts_k = (transposed_lhs && p.k >= 1024) || !whole.implementation.starts_with("brg");
  if (cuts_k && !is_small) return std::make_unique<CutMatmul>(p, swapped);
  return std::make_unique<WholeMatmul>(p, swapped, std::move(whole), is_small);
}

}  // namespace

std::unique_ptr<OpKernel> make_matmul(const MatmulProblem& problem, std::string& why_not) {
  try {
    return create(problem, why_not);
  } catch (const dnnl::error& error) {
    why_not = fmt::format("oneDNN: {}", error.what());
    return nullptr;
  }
}

}  // namespace tenon
