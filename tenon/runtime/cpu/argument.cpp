#include "tenon/runtime/cpu/argument.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
#include "tenon/ops/rules.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Positions of extrema of x[outer, count, inner] along the axis in the middle.
template <class T, bool kLargest>
class Argument : public OpKernel {
 public:
  explicit Argument(const KernelRequest& request)
      : search_(extremum_search<T, kLargest>()), is_wide_(request.outputs[0].dtype == DType::i64) {
    std::span<const int64_t> shape(request.inputs[0].shape);
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    outer_ = element_count(shape.first(axis));
    count_ = shape[axis];
    inner_ = element_count(shape.subspan(axis + 1));
    // Enough work for a thread, in few pieces, since all are joined for each column.
    int64_t most = inner_ == 1 ? 64 : 16;
    rows_ = std::max((count_ + most - 1) / most,
                     2 * kWork / std::max<int64_t>(1, std::min(inner_, kTile)));
    pieces_ = std::max<int64_t>(1, (count_ + rows_ - 1) / rows_);
  }

  int64_t scratch_bytes() const override {
    return outer_ * pieces_ * inner_ * static_cast<int64_t>(sizeof(int64_t));
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* x = static_cast<const T*>(inputs[0]);
    auto* found = static_cast<int64_t*>(scratch);
    int64_t tiles = (inner_ + kTile - 1) / kTile;
    int64_t work = std::min(rows_, count_) * std::min(inner_, kTile);
    parallel_for(outer_ * pieces_ * tiles, std::max<int64_t>(1, kWork / std::max<int64_t>(1, work)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t item = begin; item < end; ++item)
                     search(x, found, item / tiles, item % tiles * kTile);
                 });
    if (is_wide_) return join(x, found, static_cast<int64_t*>(outputs[0]));
    join(x, found, static_cast<int32_t*>(outputs[0]));
  }
  std::string description() const override {
    return "search along lines of " + std::to_string(count_);
  }

 private:
  static constexpr int64_t kWork = int64_t{1} << 15, kTile = kSearchedColumns;

  /// One piece of the rows at one tile of columns.
  void search(const T* x, int64_t* found, int64_t piece, int64_t column) const {
    int64_t first = piece % pieces_ * rows_, rows = std::min(rows_, count_ - first);
    const T* from = x + (piece / pieces_ * count_ + first) * inner_ + column;
    int64_t* to = found + piece * inner_ + column;
    if (inner_ == 1) {
      *to = first + search_.line(from, rows);
      return;
    }
    int64_t width = std::min(kTile, inner_ - column);
    search_.columns(from, rows, inner_, width, to);
    for (int64_t c = 0; c < width; ++c) to[c] += first;
  }

  /// The first of the pieces' extrema that no later one beats.
  template <class Index>
  void join(const T* x, const int64_t* found, Index* out) const {
    for (int64_t o = 0; o < outer_; ++o) {
      const T* line = x + o * count_ * inner_;
      const int64_t* of_line = found + o * pieces_ * inner_;
      for (int64_t c = 0; c < inner_; ++c) {
        int64_t best = of_line[c];
        for (int64_t piece = 1; piece < pieces_; ++piece) {
          int64_t here = of_line[piece * inner_ + c];
          if (beats<T, kLargest>(line[here * inner_ + c], line[best * inner_ + c])) best = here;
        }
        out[o * inner_ + c] = static_cast<Index>(best);
      }
    }
  }

  ExtremumSearch<T> search_;
  bool is_wide_;
  int64_t outer_, count_, inner_, rows_, pieces_;
};

}  // namespace

std::unique_ptr<OpKernel> make_argument(const KernelRequest& request, std::string&) {
  auto axis = static_cast<size_t>(request.attributes.integer("axis"));
  check_positions_fit(request.op.name, request.inputs[0].shape[axis], request.outputs[0].dtype);
  bool largest = request.op.name == "argmax";
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    using T = decltype(element);
    if (largest) return std::make_unique<Argument<T, true>>(request);
    return std::make_unique<Argument<T, false>>(request);
  });
}

}  // namespace tenon
