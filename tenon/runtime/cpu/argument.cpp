#include "tenon/runtime/cpu/argument.h"

#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
#include "tenon/ops/rules.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Positions of extrema of x[outer, count, inner] along the axis in the middle. The axis is cut
/// into pieces, each of which is searched on its own.
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
    // Long columns are read in wide rows, which is how they lie in memory.
    tile_ = std::clamp<int64_t>(inner_, 1, count_ < 512 ? 512 : kSearchedColumns);
    // Enough work for a thread, in few pieces, since all are joined for each column.
    const int64_t most = inner_ == 1 ? 64 : 16;
    rows_ = std::max((count_ + most - 1) / most, 2 * kWork / tile_);
    rows_ = std::min(rows_, kMostRows);
    pieces_ = std::max<int64_t>(1, (count_ + rows_ - 1) / rows_);
  }

  int64_t scratch_bytes() const override {
    return found_bytes() + outer_ * pieces_ * inner_ * static_cast<int64_t>(sizeof(KeyOf<T>));
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* x = static_cast<const T*>(inputs[0]);
    const bool is_joined = pieces_ > 1 || is_wide_;
    auto* found = static_cast<int32_t*>(is_joined ? scratch : outputs[0]);
    auto* keys = reinterpret_cast<KeyOf<T>*>(static_cast<char*>(scratch) + found_bytes());
    const int64_t tiles = (inner_ + tile_ - 1) / tile_;
    const int64_t work = std::min(rows_, count_) * tile_;
    parallel_for(outer_ * pieces_ * tiles, std::max<int64_t>(1, kWork / std::max<int64_t>(1, work)),
                 [&](int64_t begin, int64_t end) {
                   if (!is_joined && inner_ == 1)
                     return search_.lines(x + begin * count_, end - begin, count_, found + begin);
                   for (int64_t item = begin; item < end; ++item)
                     search(x, found, keys, item / tiles, item % tiles * tile_);
                 });
    if (is_wide_) return join(found, keys, static_cast<int64_t*>(outputs[0]));
    if (is_joined) join(found, keys, static_cast<int32_t*>(outputs[0]));
  }
  std::string description() const override {
    return "search along lines of " + std::to_string(count_);
  }

 private:
  static constexpr int64_t kWork = int64_t{1} << 15, kMostRows = int64_t{1} << 30;

  int64_t found_bytes() const {
    return static_cast<int64_t>(
        round_up(static_cast<size_t>(outer_ * pieces_ * inner_) * sizeof(int32_t), 8));
  }

  /// One piece of the rows at one tile of columns.
  void search(const T* x, int32_t* found, KeyOf<T>* keys, int64_t piece, int64_t column) const {
    const int64_t first = piece % pieces_ * rows_, rows = std::min(rows_, count_ - first);
    const T* from = x + (piece / pieces_ * count_ + first) * inner_ + column;
    const int64_t to = piece * inner_ + column;
    if (inner_ > 1)
      return search_.columns(from, rows, inner_, std::min(tile_, inner_ - column), found + to,
                             keys + to);
    search_.lines(from, 1, rows, found + to);
    keys[to] = key_at<T, kLargest>(from + found[to]);
  }

  /// The first of the pieces' extrema that no later one beats.
  template <class Index>
  void join(const int32_t* found, KeyOf<T>* keys, Index* out) const {
    for (int64_t o = 0; o < outer_; ++o, out += inner_) {
      KeyOf<T>* best = keys + o * pieces_ * inner_;
      std::copy_n(found + o * pieces_ * inner_, inner_, out);
      for (int64_t piece = 1; piece < pieces_; ++piece) {
        const int64_t first = piece * rows_, at = (o * pieces_ + piece) * inner_;
        for (int64_t c = 0; c < inner_; ++c) {
          if (!wins(keys[at + c], best[c])) continue;
          best[c] = keys[at + c];
          out[c] = static_cast<Index>(first + found[at + c]);
        }
      }
    }
  }

  ExtremumSearch<T> search_;
  bool is_wide_;
  int64_t outer_, count_, inner_, tile_, rows_, pieces_;
};

}  // namespace

std::unique_ptr<OpKernel> make_argument(const KernelRequest& request, std::string&) {
  auto axis = static_cast<size_t>(request.attributes.integer("axis"));
  check_positions_fit(request.op.name, request.inputs[0].shape[axis], request.outputs[0].dtype);
  bool largest = request.op.is(CoreOp::argmax);
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    using T = decltype(element);
    if (largest) return std::make_unique<Argument<T, true>>(request);
    return std::make_unique<Argument<T, false>>(request);
  });
}

}  // namespace tenon
