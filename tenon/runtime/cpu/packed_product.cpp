#include "tenon/runtime/cpu/packed_product.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/base/hash.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/slots.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"

namespace tenon {

namespace {

/// Rows of rhs at most that are packed and multiplied at once: a panel of so many stays near the
/// registers.
constexpr int64_t kInnerBlock = 512;
/// About 20 us of one thread: less is not shared out.
constexpr double kSmallOperations = 1e6;
/// A packed block of columns should stay in a core's second-level cache beside rows of lhs.
constexpr int64_t kBlockBytes = int64_t{160} << 10;
constexpr int64_t kMostBlocks = 16, kLeastPanels = 2;

/// Floats from the beginning of the operands to matrix `i` of the batch.
struct Offsets {
  Offsets(const MatmulProblem& p, int64_t i) {
    for (size_t d = p.batch.size(); d-- > 0; i /= p.batch[d]) {
      const int64_t at = i % p.batch[d];
      lhs += at * p.lhs.batch[d];
      rhs += at * p.rhs.batch[d];
      out += at * p.out.batch[d];
    }
  }
  int64_t lhs = 0, rhs = 0, out = 0;
};

/// Of parts of `whole` that are nearly equal and `most` at most.
int64_t even_part(int64_t whole, int64_t most) {
  const int64_t parts = (whole + most - 1) / most;
  return (whole + parts - 1) / parts;
}

/// All of a right operand in panels, those of one part of the inner axis after those of another.
struct Panels {
  const VectorKernels* vector;
  int64_t rows, columns, part;
  int64_t row_step, column_step;

  int64_t width() const { return round_up(columns, vector->panel); }
  size_t bytes() const { return static_cast<size_t>(rows * width()) * sizeof(float); }

  /// Of `column`, with which a panel begins, from row `l` on, where a part of `inner` rows begins.
  int64_t place(int64_t l, int64_t inner, int64_t column) const {
    return l * width() + column * inner;
  }

  void pack(const float* from, float* to) const {
    const int64_t grain = std::max<int64_t>(1, kPackedTogether / rows);
    parallel_for(width() / vector->panel, grain, [&](int64_t first, int64_t end) {
      const int64_t column = first * vector->panel;
      const int64_t count = std::min(end * vector->panel, columns) - column;
      for (int64_t l = 0; l < rows; l += part) {
        const int64_t inner = std::min(part, rows - l);
        vector->pack(inner, count, from + l * row_step + column * column_step, row_step,
                     column_step, to + place(l, inner, column), inner * vector->panel);
      }
    });
  }

  void add_to(Hasher& hasher) const {
    hasher.add("panels").add(vector->panel);
    for (const int64_t value : {rows, columns, part, row_step, column_step}) hasher.add(value);
  }

 private:
  /// Rows of panels, some microseconds of one thread.
  static constexpr int64_t kPackedTogether = 1024;
};

/// Blocks of columns, each packed by the thread that multiplies it, or all packed before.
class PackedProduct : public OpKernel {
 public:
  PackedProduct(const MatmulProblem& problem, bool swapped)
      : vector_(*vector_kernels()),
        p_(problem),
        swapped_(swapped),
        inner_(even_part(p_.k, kInnerBlock)),
        flops_(operations_of(p_)),
        panels_{&vector_, p_.k, p_.n, inner_, p_.rhs.row, p_.rhs.column} {
    const int64_t panels = (p_.n + vector_.panel - 1) / vector_.panel;
    const int64_t panel_bytes = inner_ * vector_.panel * static_cast<int64_t>(sizeof(float));
    const int64_t matrices = element_count(p_.batch);
    int64_t blocks = (panels * panel_bytes + kBlockBytes - 1) / kBlockBytes;
    if (flops_ >= kSmallOperations) {
      blocks = std::max(blocks, (kMostBlocks + matrices - 1) / matrices);
    }
    blocks = std::min(blocks, (panels + kLeastPanels - 1) / kLeastPanels);
    columns_ = (panels + blocks - 1) / blocks * vector_.panel;
    column_blocks_ = (p_.n + columns_ - 1) / columns_;
    items_ = matrices * column_blocks_;
    // Few columns leave rows to share out: every item packs them anew, which costs little beside so
    // many rows.
    if (flops_ >= kSmallOperations) {
      row_blocks_ = std::clamp<int64_t>(kMostBlocks / items_, 1, p_.m / kRowsOfItem + 1);
    }
    rows_ = round_up((p_.m + row_blocks_ - 1) / row_blocks_, vector_.rows);
    row_blocks_ = (p_.m + rows_ - 1) / rows_;
    items_ *= row_blocks_;
    slots_ = flops_ < kSmallOperations ? 1 : std::min<int64_t>(items_, thread_count());
    is_packed_ = p_.rhs.is_known && matrices == 1;
    slot_bytes_ = is_packed_ ? 0 : columns_ / vector_.panel * panel_bytes;
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* const lhs = static_cast<const float*>(inputs[swapped_ ? 1 : 0]);
    const auto* const rhs = static_cast<const float*>(inputs[swapped_ ? 0 : 1]);
    auto* const out = static_cast<float*>(outputs[0]);
    for_each_item(items_, slots_, [&](int64_t item, size_t slot) {
      auto* const panels = reinterpret_cast<float*>(static_cast<char*>(scratch) +
                                                    slot * static_cast<size_t>(slot_bytes_));
      const int64_t row = item % row_blocks_ * rows_;
      const int64_t column = item / row_blocks_ % column_blocks_ * columns_;
      const Offsets at(p_, item / row_blocks_ / column_blocks_);
      multiply(lhs + at.lhs, rhs + at.rhs, out + at.out, row, column, panels);
    });
  }

  /// Panels of all columns for each part of the inner axis.
  std::optional<Packing> packing(size_t input) const override {
    if (!is_packed_ || input != (swapped_ ? 0 : 1)) return std::nullopt;
    Hasher hasher;
    panels_.add_to(hasher);
    const auto pack = [panels = panels_](const void* from, void* to) {
      panels.pack(static_cast<const float*>(from), static_cast<float*>(to));
    };
    return Packing{hasher.finish(), panels_.bytes(), pack};
  }

  int64_t scratch_bytes() const override { return slots_ * slot_bytes_; }
  double flops() const override { return flops_; }
  std::string description() const override {
    return items_ == 1 ? "packed product" : fmt::format("packed product in {} blocks", items_);
  }

 private:
  static constexpr int64_t kRowsOfItem = 48;

  void multiply(const float* lhs, const float* rhs, float* out, int64_t row, int64_t column,
                float* panels) const {
    const int64_t rows = std::min(rows_, p_.m - row), columns = std::min(columns_, p_.n - column);
    for (int64_t l = 0; l < p_.k; l += inner_) {
      const int64_t inner = std::min(inner_, p_.k - l);
      const int64_t panel_step = inner * vector_.panel;
      const float* b = panels;
      if (is_packed_) {
        b = rhs + panels_.place(l, inner, column);
      } else {
        vector_.pack(inner, columns, rhs + l * p_.rhs.row + column * p_.rhs.column, p_.rhs.row,
                     p_.rhs.column, panels, panel_step);
      }
      vector_.product({.rows = rows,
                       .columns = columns,
                       .inner = inner,
                       .a = lhs + row * p_.lhs.row + l * p_.lhs.column,
                       .a_row = p_.lhs.row,
                       .a_inner = p_.lhs.column,
                       .b = b,
                       .panel_step = panel_step,
                       .c = out + row * p_.out.row + column,
                       .c_row = p_.out.row,
                       .add = l > 0});
    }
  }

  const VectorKernels& vector_;
  MatmulProblem p_;
  bool swapped_;  // out is column-major: its transpose is computed
  int64_t inner_;
  double flops_;
  Panels panels_;
  bool is_packed_ = false;  // rhs is given in panels
  int64_t columns_ = 0, column_blocks_ = 1, rows_ = 0, row_blocks_ = 1, items_ = 1, slots_ = 1;
  int64_t slot_bytes_ = 0;
};

/// The product whose rows of results are contiguous, and whether it is the transposed one. Axes of
/// one entry have any step.
bool orient(MatmulProblem& p) {
  if (p.n == 1) p.out.column = p.rhs.column = 1;
  if (p.m == 1 && p.out.column != 1) p.out.row = 1;
  const bool swapped = p.out.column != 1;
  if (swapped) {
    std::swap(p.m, p.n);
    std::swap(p.lhs, p.rhs);
    for (MatrixStrides* s : {&p.lhs, &p.rhs, &p.out}) std::swap(s->row, s->column);
  }
  if (p.k == 1) p.lhs.column = p.rhs.row = 1;
  if (p.m == 1 && p.lhs.column != 1) p.lhs.row = 1;
  return swapped;
}

/// Multiplications up to which the call of a library costs more than what it would gain.
constexpr int64_t kFewProducts = int64_t{1} << 18, kVeryFewProducts = int64_t{1} << 14;
/// Beyond these the library's own blocking is better. Lines of a transposed operand that are far
/// apart miss the table of pages.
constexpr int64_t kMostProducts = int64_t{1} << 29, kMostTransposed = int64_t{1} << 19;
/// Rows and columns that make up for packing.
constexpr int64_t kLeastRows = 48, kLeastColumns = 96;

/// Why the library's product is as fast, or null. Measured on Zen 3 and Zen 5 (docs/benchmarks.md):
/// its kernel for AVX2 reaches 65 to 95 % of the processor's peak, that for AVX-512 all of it.
const char* obstacle(const MatmulProblem& p, const VectorKernels& vector) {
  const double products = operations_of(p) / 2;
  if (products <= kFewProducts && element_count(p.batch) == 1) {
    return p.n >= vector.lanes || products <= kVeryFewProducts ? nullptr : "few columns";
  }
  if (vector.lanes > 8) return "the library's product is as fast with AVX-512";
  if (p.m < kLeastRows || p.n < kLeastColumns) return "few rows or columns";
  if (products > kMostProducts) return "large";
  if (p.lhs.column != 1 && p.m * p.k > kMostTransposed) return "a large transposed operand";
  return nullptr;
}

}  // namespace

std::unique_ptr<OpKernel> make_packed_product(const MatmulProblem& problem, std::string& why_not) {
  MatmulProblem p = problem;
  orient(p);
  const VectorKernels* const vector = vector_kernels();
  if (const char* reason = vector ? obstacle(p, *vector) : "no AVX2") {
    why_not = reason;
    return nullptr;
  }
  return make_any_packed_product(problem, why_not);
}

std::unique_ptr<OpKernel> make_any_packed_product(const MatmulProblem& problem,
                                                  std::string& why_not) {
  const auto decline = [&](const char* reason) {
    why_not = reason;
    return nullptr;
  };
  if (!vector_kernels()) return decline("this processor has no vectors of AVX2");
  if (problem.dtype != DType::f32) return decline("not f32");
  MatmulProblem p = problem;
  if (p.m < 1 || p.n < 1 || p.k < 1 || element_count(p.batch) < 1) {
    return decline("an operand is empty");
  }
  const bool swapped = orient(p);
  if (p.out.column != 1 || std::min(p.lhs.row, p.lhs.column) != 1) {
    return decline("neither rows nor columns of an operand are contiguous");
  }
  if (std::ranges::count(p.out.batch, 0) > 0) return decline("results of a batch overlap");
  return std::make_unique<PackedProduct>(p, swapped);
}

}  // namespace tenon
