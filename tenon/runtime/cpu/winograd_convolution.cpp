#include "tenon/base/hash.h"
#include "tenon/runtime/cpu/winograd_kernel.h"

namespace tenon {

namespace {

/// What blocks of tiles and of columns are near. Blocks of tiles share the filter's matrices, and
/// blocks of columns those of the tiles.
constexpr int64_t kTileBlock = 48, kColumnBlock = 64;
constexpr int64_t kInnerBlock = 32;

/// A filter [3, 3, inner, columns], or for a gradient of the input one rotated by 180 degrees.
struct WinogradFilter {
  const WinogradKernels* kernels;
  int64_t inner, columns;
  bool is_turned;

  /// Transforms `count` of the channels that are read from `first` on, for columns that begin at
  /// `column`.
  void read(const float* filter, int64_t first, int64_t count, int64_t column, int64_t some,
            const TileMatrices& to) const {
    const int64_t tap = inner * columns;
    FilterBlock block{count, some, filter, tap, columns, 1};
    if (is_turned) {
      block.taps += 8 * tap;
      block.tap_step = -tap;
      block.inner_step = 1;
      block.column_step = inner;
    }
    block.taps += first * block.inner_step + column * block.column_step;
    kernels->read_filter(block, to);
  }
};

/// Results and gradients of inputs.
class WinogradConvolution : public WinogradKernel {
 public:
  WinogradConvolution(const ConvolutionProblem& problem, const WinogradKernels& kernels)
      : WinogradKernel(problem, kernels),
        filter_{&kernels, shape_.inner, shape_.columns,
                problem.kind == ConvolutionKind::input_gradient},
        is_packed_(problem.known_filter) {
    const WinogradShape& s = shape_;
    by_columns_ = s.tiles <= s.columns;
    tile_blocks_ = Blocks(s.tiles, kTileBlock, vector_.rows);
    column_blocks_ = Blocks(s.columns, by_columns_ ? kColumnBlock : s.columns, vector_.panel);
    const int64_t columns = round_up(column_blocks_.size, vector_.lanes);
    tile_matrices_ = MatrixLayout(s.places, by_columns_ ? s.tiles : tile_blocks_.size, s.inner,
                                  round_up(s.inner, vector_.lanes));
    filter_matrices_ = MatrixLayout(s.places, s.inner, column_blocks_.size, vector_.panel);
    results_ = MatrixLayout(s.places, tile_blocks_.size, columns, columns);
    slots_ =
        std::min<int64_t>(by_columns_ ? column_blocks_.count : tile_blocks_.count, thread_count());
    const size_t tiles = tile_matrices_.bytes(), filter = filter_matrices_.bytes();
    tiles_at_ = by_columns_ ? share(tiles) : own(tiles);
    if (!is_packed_) filter_at_ = by_columns_ ? own(filter) : share(filter);
    results_at_ = own(results_.bytes());
  }

  std::optional<Packing> packing(size_t input) const override {
    if (input != 1 || !is_packed_) return std::nullopt;
    const Blocks blocks = column_blocks_;
    const MatrixLayout matrices = filter_matrices_;
    Hasher layout;
    layout.add(std::string_view("winograd")).add(kernels_.m).add(vector_.lanes).add(vector_.panel);
    layout.add(filter_.inner).add(filter_.columns).add(filter_.is_turned).add(blocks.size);
    const auto pack = [filter = filter_, blocks, matrices](const void* operand, void* packed) {
      for (int64_t i = 0; i < blocks.count; ++i) {
        filter.read(static_cast<const float*>(operand), 0, filter.inner, blocks.begin(i),
                    blocks.size_of(i),
                    matrices.at(static_cast<char*>(packed) + i * bytes_of_block(matrices)));
      }
    };
    return Packing{layout.finish(), static_cast<size_t>(blocks.count * bytes_of_block(matrices)),
                   pack};
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* const array = static_cast<const float*>(inputs[0]);
    auto* const filter = static_cast<char*>(inputs[1]);
    auto* const result = static_cast<float*>(outputs[0]);
    auto* const memory = static_cast<char*>(scratch);
    by_columns_ ? run_columns(array, filter, result, memory)
                : run_tiles(array, filter, result, memory);
  }

 private:
  static int64_t bytes_of_block(const MatrixLayout& matrices) {
    return static_cast<int64_t>(round_up(matrices.bytes(), kBufferAlignment));
  }

  /// The whole filter, transformed; that of which there is one block.
  TileMatrices whole_filter(char* filter, char* memory) const {
    if (is_packed_) return filter_matrices_.at(filter);
    parallel_for(shape_.inner, kInnerBlock, [&](int64_t begin, int64_t end) {
      filter_.read(reinterpret_cast<const float*>(filter), begin, end - begin, 0, shape_.columns,
                   filter_matrices_.at(memory + filter_at_, begin));
    });
    return filter_matrices_.at(memory + filter_at_);
  }

  TileMatrices filter_block(char* filter, int64_t block, char* own) const {
    if (is_packed_) return filter_matrices_.at(filter + block * bytes_of_block(filter_matrices_));
    const TileMatrices matrices = filter_matrices_.at(own + filter_at_);
    filter_.read(reinterpret_cast<const float*>(filter), 0, shape_.inner,
                 column_blocks_.begin(block), column_blocks_.size_of(block), matrices);
    return matrices;
  }

  void run_tiles(const float* array, char* filter, float* result, char* memory) const {
    const TileMatrices right = whole_filter(filter, memory);
    for_each(tile_blocks_.count, memory, [&](int64_t block, char* own) {
      const int64_t first = tile_blocks_.begin(block), count = tile_blocks_.size_of(block);
      const TileMatrices left = tile_matrices_.at(own + tiles_at_);
      kernels_.read_input(shape_.read, first, count, array, left);
      finish(left, right, first, count, 0, shape_.columns, own, result);
    });
  }

  void run_columns(const float* array, char* filter, float* result, char* memory) const {
    parallel_for(tile_blocks_.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = tile_blocks_.begin(block);
        kernels_.read_input(shape_.read, first, tile_blocks_.size_of(block), array,
                            tile_matrices_.at(memory + tiles_at_, first));
      }
    });
    for_each(column_blocks_.count, memory, [&](int64_t block, char* own) {
      const int64_t column = column_blocks_.begin(block), columns = column_blocks_.size_of(block);
      const TileMatrices right = filter_block(filter, block, own);
      for (int64_t tiles = 0; tiles < tile_blocks_.count; ++tiles) {
        const int64_t first = tile_blocks_.begin(tiles);
        finish(tile_matrices_.at(memory + tiles_at_, first), right, first,
               tile_blocks_.size_of(tiles), column, columns, own, result);
      }
    });
  }

  /// Multiplies and writes a block of tiles and columns.
  void finish(const TileMatrices& left, const TileMatrices& right, int64_t first, int64_t count,
              int64_t column, int64_t columns, char* own, float* result) const {
    const TileMatrices products = results_.at(own + results_at_);
    for (int64_t place = 0; place < shape_.places; ++place) {
      vector_.product({.rows = count,
                       .columns = round_up(columns, vector_.lanes),
                       .inner = shape_.inner,
                       .a = left.data + place * left.matrix,
                       .a_row = left.width,
                       .b = right.data + place * right.matrix,
                       .panel_step = right.panel,
                       .c = products.data + place * products.matrix,
                       .c_row = products.width});
    }
    TileGrid written = shape_.written;
    written.channels = columns;
    kernels_.write_output(written, first, count, products, result + column);
  }

  WinogradFilter filter_;
  bool is_packed_;  // run() is given the filter transformed
  bool by_columns_;
  Blocks tile_blocks_, column_blocks_;
  MatrixLayout tile_matrices_, filter_matrices_, results_;
  size_t tiles_at_ = 0, filter_at_ = 0, results_at_ = 0;
};

}  // namespace

std::unique_ptr<OpKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                    const WinogradKernels& kernels) {
  return std::make_unique<WinogradConvolution>(problem, kernels);
}

}  // namespace tenon
