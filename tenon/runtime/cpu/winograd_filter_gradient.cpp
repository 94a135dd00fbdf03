#include "tenon/runtime/cpu/winograd_kernel.h"

namespace tenon {

namespace {

/// Of the rows of one product, and of the panels that the tiles of x lie in: a multiple of the rows
/// that are kept in registers for each instruction set, and of the lanes.
constexpr int64_t kRowBlock = 48;
/// What the matrices of a group of tiles may take, near the size of a cache that threads share.
constexpr int64_t kGroupBytes = int64_t{6} << 20;
constexpr int64_t kTilesAtOnce = 16;
constexpr int64_t kColumnBlock = 64;

/// Tiles are the inner axis of the products. Groups of them come one after the other, and within a
/// group the products of different places and rows are independent: sums have one order. Where all
/// tiles are one group, blocks of columns are, so that the sums need not be held all at once.
class WinogradFilterGradient : public WinogradKernel {
 public:
  WinogradFilterGradient(const ConvolutionProblem& problem, const WinogradKernels& kernels)
      : WinogradKernel(problem, kernels) {
    const WinogradShape& s = shape_;
    const int64_t panels = round_up(s.inner, kRowBlock) + round_up(s.columns, vector_.panel);
    const int64_t tile_bytes = s.places * panels * static_cast<int64_t>(sizeof(float));
    by_columns_ = s.tiles * (s.inner + s.columns) < s.inner * s.columns;
    groups_ =
        Blocks(s.tiles, by_columns_ ? s.tiles : std::max(kGroupBytes / tile_bytes, kTilesAtOnce),
               kTilesAtOnce);
    column_blocks_ = Blocks(s.columns, by_columns_ ? kColumnBlock : s.columns, vector_.panel);
    row_blocks_ = (s.inner + kRowBlock - 1) / kRowBlock;
    slots_ = by_columns_ ? std::min<int64_t>(column_blocks_.count, thread_count()) : 1;

    inputs_ = MatrixLayout(s.places, groups_.size, s.inner, kRowBlock);
    gradients_ = MatrixLayout(s.places, groups_.size, s.columns, vector_.panel);
    const int64_t columns = round_up(column_blocks_.size, vector_.lanes);
    sums_ = MatrixLayout(s.places, s.inner, columns, columns);
    inputs_at_ = share(inputs_.bytes());
    gradients_at_ = share(gradients_.bytes());
    sums_at_ = own(sums_.bytes());
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* const x = static_cast<const float*>(inputs[0]);
    const auto* const dy = static_cast<const float*>(inputs[1]);
    auto* const result = static_cast<float*>(outputs[0]);
    auto* const memory = static_cast<char*>(scratch);
    if (by_columns_) {
      read(x, dy, 0, memory);
      for_each(column_blocks_.count, memory, [&](int64_t block, char* own) {
        const TileMatrices sums = sums_.at(own + sums_at_);
        const int64_t column = column_blocks_.begin(block), columns = column_blocks_.size_of(block);
        for (int64_t i = 0; i < shape_.places * row_blocks_; ++i) {
          multiply(i, 0, column, columns, memory, sums);
        }
        write(sums, 0, shape_.inner, column, columns, result);
      });
      return;
    }
    for_each(1, memory, [&](int64_t, char* own) { sums_of_groups(x, dy, memory, own, result); });
  }

 private:
  void sums_of_groups(const float* x, const float* dy, char* memory, char* own,
                      float* result) const {
    const TileMatrices sums = sums_.at(own + sums_at_);
    for (int64_t group = 0; group < groups_.count; ++group) {
      read(x, dy, group, memory);
      parallel_for(shape_.places * row_blocks_, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          multiply(i, group, 0, shape_.columns, memory, sums);
        }
      });
    }
    parallel_for(shape_.inner, 8, [&](int64_t begin, int64_t end) {
      write(sums, begin, end, 0, shape_.columns, result);
    });
  }

  void read(const float* x, const float* dy, int64_t group, char* memory) const {
    const int64_t first = groups_.begin(group);
    parallel_for(groups_.size_of(group), kTilesAtOnce, [&](int64_t begin, int64_t end) {
      kernels_.read_input(shape_.read, first + begin, end - begin, x,
                          inputs_.at(memory + inputs_at_, begin));
      kernels_.read_gradient(shape_.written, first + begin, end - begin, dy,
                             gradients_.at(memory + gradients_at_, begin));
    });
  }

  /// Of one place and block of rows, for a block of columns.
  void multiply(int64_t item, int64_t group, int64_t column, int64_t columns, char* memory,
                const TileMatrices& sums) const {
    const int64_t place = item / row_blocks_, row = item % row_blocks_ * kRowBlock;
    const TileMatrices left = inputs_.at(memory + inputs_at_);
    const TileMatrices right = gradients_.at(memory + gradients_at_);
    vector_.product({.rows = std::min(kRowBlock, shape_.inner - row),
                     .columns = round_up(columns, vector_.lanes),
                     .inner = groups_.size_of(group),
                     .a = left.data + place * left.matrix + row / kRowBlock * left.panel,
                     .a_row = 1,
                     .a_inner = left.width,
                     .b = right.data + place * right.matrix + column / right.width * right.panel,
                     .panel_step = right.panel,
                     .c = sums.data + place * sums.matrix + row * sums.width,
                     .c_row = sums.width,
                     .add = group > 0});
  }

  void write(const TileMatrices& sums, int64_t begin, int64_t end, int64_t column, int64_t columns,
             float* result) const {
    TileMatrices from = sums;
    from.data += begin * from.width;
    kernels_.write_filter_gradient(end - begin, columns, from,
                                   result + begin * shape_.columns + column,
                                   shape_.inner * shape_.columns, shape_.columns);
  }

  bool by_columns_;
  Blocks groups_, column_blocks_;
  int64_t row_blocks_;
  MatrixLayout inputs_, gradients_, sums_;
  size_t inputs_at_ = 0, gradients_at_ = 0, sums_at_ = 0;
};

}  // namespace

std::unique_ptr<OpKernel> make_winograd_filter_gradient(const ConvolutionProblem& problem,
                                                        const WinogradKernels& kernels) {
  return std::make_unique<WinogradFilterGradient>(problem, kernels);
}

}  // namespace tenon
