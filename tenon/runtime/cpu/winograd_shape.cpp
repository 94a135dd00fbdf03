#include "tenon/runtime/cpu/winograd_shape.h"

namespace tenon {

namespace {

/// Floats of a line of the cache.
constexpr int64_t kLine = kBufferAlignment / static_cast<int64_t>(sizeof(float));

int64_t tiles_in(int64_t extent, int tile) { return (extent + tile - 1) / tile; }

}  // namespace

WinogradShape::WinogradShape(const ConvolutionProblem& p, int tile)
    : places((tile + 2) * (tile + 2)) {
  const bool turned = p.kind == ConvolutionKind::input_gradient;
  const auto& from = turned ? p.output : p.input;
  const auto& to = turned ? p.input : p.output;
  inner = turned ? p.out_channels : p.in_channels;
  columns = turned ? p.in_channels : p.out_channels;
  const int64_t rows_of_tiles = tiles_in(to[0], tile), columns_of_tiles = tiles_in(to[1], tile);
  const auto padding = [&](size_t axis) {
    return turned ? 2 - p.padding_low[axis] : p.padding_low[axis];
  };
  read = {from[0], from[1], inner, inner, rows_of_tiles, columns_of_tiles, padding(0), padding(1)};
  written = {to[0], to[1], columns, columns, rows_of_tiles, columns_of_tiles};
  tiles = p.batch * rows_of_tiles * columns_of_tiles;
}

MatrixLayout::MatrixLayout(int64_t place_count, int64_t rows, int64_t columns, int64_t panel_width)
    : places(place_count), width(panel_width), panel(rows * panel_width) {
  // An entry of all matrices is written at once: an odd number of lines between them keeps these
  // from meeting in one set of the cache.
  const int64_t panels = (columns + width - 1) / width;
  matrix = (panels * panel + kLine - 1) / kLine / 2 * 2 * kLine + kLine;
}

Blocks::Blocks(int64_t all, int64_t about, int64_t unit) : total(all) {
  const int64_t wanted = std::max<int64_t>(1, (total + about / 2) / about);
  size = round_up((total + wanted - 1) / wanted, unit);
  count = (total + size - 1) / size;
}

}  // namespace tenon
