#include "tenon/runtime/cpu/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

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
                             const MatrixStrides& strides) {
  dnnl::memory::dims dims, steps;
  for (size_t i = 0; i < p.batch.size(); ++i) {
    const bool repeated = strides.batch[i] == 0;
    dims.push_back(repeated ? 1 : p.batch[i]);
    steps.push_back(repeated ? rows * columns : strides.batch[i]);
  }
  dims.insert(dims.end(), {rows, columns});
  steps.insert(steps.end(), {strides.row, strides.column});
  return {dims, detail::onednn_dtype(p.dtype), steps};
}

dnnl::memory::desc rhs_of(const MatmulProblem& p) { return layout_of(p, p.k, p.n, p.rhs); }

/// What the library would do, found out without making its code.
dnnl::matmul::primitive_desc describe(const MatmulProblem& p, const dnnl::memory::desc& rhs) {
  const detail::Making making;
  const dnnl::matmul::desc problem(layout_of(p, p.m, p.k, p.lhs), rhs,
                                   layout_of(p, p.m, p.n, p.out));
  return {problem, detail::scratch_from_caller(), detail::cpu_engine()};
}

/// With a known rhs in the library's own order, which is what its newer kernel ("brg") gains from.
dnnl::matmul::primitive_desc describe_best(const MatmulProblem& p) {
  const dnnl::memory::desc given = rhs_of(p);
  if (!p.rhs.is_known) return describe(p, given);
  const dnnl::memory::desc any(given.dims(), given.data_type(), dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc best = describe(p, any);
  return std::string_view(best.impl_info_str()).starts_with("brg") ? best : describe(p, given);
}

struct Product {
  explicit Product(const MatmulProblem& p) {
    const detail::Making making;
    const auto descriptor = describe_best(p);
    const dnnl::memory::desc given = rhs_of(p);
    rhs_bytes = descriptor.weights_desc().get_size();
    if (descriptor.weights_desc() != given) {
      packing = detail::Reorder(given, descriptor.weights_desc());
    }
    scratch_bytes = descriptor.scratchpad_desc().get_size();
    implementation = descriptor.impl_info_str();
    std::vector<Primitive::Argument> arguments = {
        {DNNL_ARG_SRC, descriptor.src_desc()},
        {DNNL_ARG_WEIGHTS, descriptor.weights_desc()},
        {DNNL_ARG_DST, descriptor.dst_desc()},
        {DNNL_ARG_SCRATCHPAD, descriptor.scratchpad_desc()}};
    primitive = Primitive(dnnl::matmul(descriptor), std::move(arguments));
  }

  Primitive primitive;
  detail::Reorder packing;  // of rhs, where it is not taken as it is
  size_t rhs_bytes = 0;
  size_t scratch_bytes = 0;
  std::string implementation;
};

/// The axis of a product that is cut: one of the batch, the rows or the columns, never k.
struct Axis {
  int64_t* extent;        // in the problem
  int64_t lhs, rhs, out;  // steps along it
  int64_t unit = 1;       // parts begin at multiples of it
};

Axis rows_of(MatmulProblem& p, int64_t unit) { return {&p.m, p.lhs.row, 0, p.out.row, unit}; }
Axis columns_of(MatmulProblem& p) { return {&p.n, 0, p.rhs.column, p.out.column, 16}; }
Axis batch_of(MatmulProblem& p, size_t i) {
  return {&p.batch[i], p.lhs.batch[i], p.rhs.batch[i], p.out.batch[i]};
}

struct Cut {
  Axis axis;
  int64_t parts;
};

/// About five microseconds of one thread.
constexpr double kSmallOperations = 5e5;
/// Four parts of at least some microseconds, and up to sixteen where each takes 200 us or longer.
constexpr double kPartOperations = 1.5e6, kLargePartOperations = 5e7;

/// A power of two, which few threads share evenly.
int64_t parts_for(int64_t most) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(most, 1))));
}

std::string implementation_of(const MatmulProblem& p) {
  return describe(p, rhs_of(p)).impl_info_str();
}

/// Parts depend on the problem alone. The library's newer kernel ("brg") wants operands without
/// gaps, so whole rows, and brings all of rhs into its own order for each part; its older one
/// brings both operands.
Cut best_cut(MatmulProblem& p) {
  const double work = operations_of(p);
  if (work < kSmallOperations) return {rows_of(p, 1), 1};
  const double parts = std::max(std::min(work / kPartOperations, 4.0), work / kLargePartOperations);
  const int64_t wanted = parts_for(static_cast<int64_t>(std::clamp(parts, 2.0, 16.0)));
  const auto longest = std::ranges::max_element(p.batch);
  if (longest != p.batch.end() && *longest >= wanted) {
    return {batch_of(p, static_cast<size_t>(longest - p.batch.begin())), wanted};
  }
  const auto columns = [&](int64_t least) {
    return Cut{columns_of(p), std::min(wanted, parts_for(p.n / least))};
  };
  const bool transposed_lhs = p.lhs.column != 1, transposed_rhs = p.rhs.column != 1;
  if (transposed_lhs || !implementation_of(p).starts_with("brg")) {
    if (p.m < p.n) return columns(16);
    return {rows_of(p, 8), std::min(wanted, parts_for(p.m / 16))};
  }
  // Columns of a transposed rhs cost the older kernel more than what they save.
  if (p.m < 16 || (!transposed_rhs && p.m < p.n && p.n >= 256)) return columns(128);
  return {rows_of(p, 1), std::min(wanted, std::max<int64_t>(2, parts_for(p.m / 64)))};
}

/// Up to here copying lhs is nothing beside the product.
constexpr int64_t kPackedBytes = int64_t{1} << 18;

/// Whether rows of a transposed lhs are copied together for each part: they lie apart there, which
/// the library's newer kernel does not take. The older one makes code for all kinds of products
/// when it first runs, which takes 20 ms.
bool packs_lhs(const MatmulProblem& p, const Cut& cut) {
  const bool is_apart = cut.parts > 1 && cut.axis.extent == &p.m && p.lhs.column != 1;
  const auto bytes = p.m * p.k * static_cast<int64_t>(size_of(p.dtype));
  if (!is_apart || !p.batch.empty() || p.lhs.row != 1 || bytes > kPackedBytes) return false;
  MatmulProblem part = p;
  part.m = std::max<int64_t>(cut.axis.unit, p.m / cut.parts);
  part.lhs.column = part.m;
  return implementation_of(part).starts_with("brg");
}

/// Parts that are products, each done by one thread.
class Matmul : public OpKernel {
 public:
  Matmul(const MatmulProblem& problem, bool swapped)
      : flops_(operations_of(problem)), swapped_(swapped) {
    MatmulProblem part = problem;
    const Cut cut = best_cut(part);
    const Axis& axis = cut.axis;
    const int64_t whole = *axis.extent;
    const int64_t units = (whole + axis.unit - 1) / axis.unit;
    const auto element = static_cast<int64_t>(size_of(problem.dtype));
    const bool packs = packs_lhs(part, cut);
    const int64_t step = part.lhs.column * element;
    for (int64_t i = 0; i < cut.parts; ++i) {
      const int64_t begin = units * i / cut.parts * axis.unit;
      *axis.extent = std::min(whole, units * (i + 1) / cut.parts * axis.unit) - begin;
      if (*axis.extent == 0) continue;
      const int64_t offset = begin * element;
      if (packs) part.lhs.column = *axis.extent;
      const Product& product = product_of(part, *axis.extent);
      parts_.push_back({product.primitive, offset * axis.lhs, offset * axis.rhs, offset * axis.out,
                        packs ? *axis.extent * element : 0});
      if (product.packing) parts_.back().rhs = place_of_packed(product, offset * axis.rhs);
    }
    for (const auto& [extent, product] : products_) {
      library_bytes_ = std::max(library_bytes_, round_up(product.scratch_bytes, kBufferAlignment));
    }
    slot_bytes_ = library_bytes_;
    if (packs) {
      step_ = step;
      columns_ = part.k;
      slot_bytes_ += round_up(static_cast<size_t>(largest_column() * columns_), kBufferAlignment);
    }
    slots_ = std::ssize(parts_);
    if (slot_bytes_ > 0) slots_ = std::min<int64_t>(slots_, thread_count());
  }

  /// run() takes all of rhs in one order.
  bool has_one_order() const {
    return packed_.empty() || std::ranges::all_of(products_, is_packed);
  }

  std::optional<Packing> packing(size_t input) const override {
    if (packed_.empty() || input != (swapped_ ? 0 : 1)) return std::nullopt;
    Hasher hasher;
    std::vector<std::pair<Packed, std::function<void(const void*, void*)>>> parts;
    for (const Packed& packed : packed_) {
      const Packing part = packed.reorder.packing();
      hasher.add(part.layout).add(packed.from).add(packed.to);
      parts.emplace_back(packed, part.pack);
    }
    const auto pack = [parts](const void* from, void* to) {
      for (const auto& [place, pack_part] : parts)
        pack_part(static_cast<const char*>(from) + place.from, static_cast<char*>(to) + place.to);
    };
    return Packing{hasher.finish(), static_cast<size_t>(packed_bytes_), pack};
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    char* const lhs = static_cast<char*>(inputs[swapped_ ? 1 : 0]);
    char* const rhs = static_cast<char*>(inputs[swapped_ ? 0 : 1]);
    char* const out = static_cast<char*>(outputs[0]);
    for_each_item(std::ssize(parts_), slots_, [&](int64_t i, size_t slot) {
      const Part& part = parts_[static_cast<size_t>(i)];
      char* const own = static_cast<char*>(scratch) + slot * slot_bytes_;
      char* from = lhs + part.lhs;
      if (part.column > 0) from = pack(part, from, own + library_bytes_);
      part.primitive.run({from, rhs + part.rhs, out + part.out, own});
    });
  }

  int64_t scratch_bytes() const override { return slots_ * static_cast<int64_t>(slot_bytes_); }
  double flops() const override { return flops_; }
  std::string description() const override {
    const std::string text = "onednn matmul " + products_.begin()->second.implementation;
    return parts_.size() == 1 ? text : fmt::format("{} in {} parts", text, parts_.size());
  }

 private:
  struct Part {
    Primitive primitive;
    int64_t lhs, rhs, out;  // bytes from where the operands begin
    int64_t column;         // bytes of a column of lhs that is copied, or 0
  };

  int64_t largest_column() const { return std::ranges::max(parts_, {}, &Part::column).column; }

  char* pack(const Part& part, const char* from, char* to) const {
    for (int64_t column = 0; column < columns_; ++column)
      std::memcpy(to + column * part.column, from + column * step_,
                  static_cast<size_t>(part.column));
    return to;
  }

  /// A part of rhs in the library's order.
  struct Packed {
    detail::Reorder reorder;
    int64_t from, to;  // bytes from where the given and the packed operand begin
  };

  static bool is_packed(const std::pair<const int64_t, Product>& product) {
    return static_cast<bool>(product.second.packing);
  }

  /// Parts of one extent share a primitive.
  const Product& product_of(const MatmulProblem& part, int64_t extent) {
    const auto found = products_.find(extent);
    if (found != products_.end()) return found->second;
    return products_.emplace(extent, Product(part)).first->second;
  }

  /// Parts that read the same of rhs in the same order share it.
  int64_t place_of_packed(const Product& product, int64_t from) {
    const Hash128 layout = product.packing.packing().layout;
    for (const Packed& known : packed_) {
      if (known.from == from && known.reorder.packing().layout == layout) return known.to;
    }
    packed_.push_back({product.packing, from, packed_bytes_});
    packed_bytes_ += static_cast<int64_t>(round_up(product.rhs_bytes, kBufferAlignment));
    return packed_.back().to;
  }

  double flops_;
  bool swapped_;  // out is column-major: its transpose is computed
  std::map<int64_t, Product> products_;
  std::vector<Part> parts_;
  std::vector<Packed> packed_;
  int64_t packed_bytes_ = 0;
  int64_t slots_ = 1;
  size_t library_bytes_ = 0, slot_bytes_ = 0;  // what the library needs of a slot, and all of it
  int64_t columns_ = 0, step_ = 0;             // of lhs where it is copied; bytes
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
  auto kernel = std::make_unique<Matmul>(p, swapped);
  if (kernel->has_one_order()) return kernel;
  p.rhs.is_known = false;
  return std::make_unique<Matmul>(p, swapped);
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
