// Tiles of arrays to and from the matrices that Winograd's algorithm multiplies.
#pragma once

#include "tenon/runtime/cpu/vector/lanes.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"
#include "tenon/runtime/cpu/vector/winograd_transforms.h"

namespace tenon {
namespace {

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/// Calls function(first channel, channels) for each vector of them.
template <class Function>
[[gnu::always_inline]] inline void for_each_vector(int64_t channels, Function&& function) {
  for (int64_t c = 0; c < channels; c += kLanes) function(c, least(channels - c, kLanes));
}

[[gnu::always_inline]] inline float* entry(const TileMatrices& m, int64_t tile, int64_t channel) {
  return m.data + channel / m.width * m.panel + tile * m.width + channel % m.width;
}

/// A transform of columns, then one of rows, of an array of kFrom x kFrom vectors. `get(i, j)` is
/// an entry and `put(i, j, v)` takes one of the result, of kTo x kTo.
template <int kFrom, int kTo, class Transform, class Get, class Put>
[[gnu::always_inline]] inline void transform_both(Transform&& transform, Get&& get, Put&& put) {
  Vector half[kTo][kFrom];
#pragma GCC unroll 8
  for (int j = 0; j < kFrom; ++j) {
    Vector in[kFrom], out[kTo];
#pragma GCC unroll 8
    for (int i = 0; i < kFrom; ++i) in[i] = get(i, j);
    transform(in, out);
#pragma GCC unroll 8
    for (int i = 0; i < kTo; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTo; ++i) {
    Vector out[kTo];
    transform(half[i], out);
#pragma GCC unroll 8
    for (int j = 0; j < kTo; ++j) put(i, j, out[j]);
  }
}

/// Where a tile begins, which may be outside of the array.
struct TilePlace {
  TilePlace(const TileGrid& g, int64_t tile, int step)
      : image(tile / (g.rows * g.columns)),
        row(tile / g.columns % g.rows * step - g.padding_rows),
        column(tile % g.columns * step - g.padding_columns) {}
  int64_t at(const TileGrid& g, int64_t i, int64_t j) const {
    return ((image * g.height + row + i) * g.width + column + j) * g.stored;
  }
  bool is_inside(const TileGrid& g, int64_t i, int64_t j) const {
    return row + i >= 0 && row + i < g.height && column + j >= 0 && column + j < g.width;
  }
  int64_t image, row, column;
};

/// How many tiles before it is read a tile is asked for: few channels leave little to do meanwhile.
inline int64_t tiles_ahead(int64_t channels) { return 1 + least(128 / channels, 3); }

/// Brings the entries of a tile that the one before it, kStep columns to the left, did not have
/// into the cache: their lines are too far apart for the processor to guess them. Addresses may be
/// outside of the array.
template <int kSide, int kStep, int kWrite>
class Prefetch {
 public:
  Prefetch(const TileGrid& g, int64_t tile, const float* array)
      : at_(reinterpret_cast<uintptr_t>(array) +
            static_cast<uintptr_t>(TilePlace(g, tile, kStep).at(g, 0, kSide - kStep)) *
                sizeof(float)),
        row_(static_cast<uintptr_t>(g.width * g.stored) * sizeof(float)),
        pixel_(static_cast<uintptr_t>(g.stored) * sizeof(float)) {}

  /// With those of the line that begins at channel c.
  [[gnu::always_inline]] void line(int64_t c) const {
    constexpr int64_t kLine = 16;
    if (c % kLine != 0) return;
    for (int i = 0; i < kSide; ++i) {
      for (int j = 0; j < kStep; ++j) {
        const uintptr_t address = at_ + static_cast<uintptr_t>(i) * row_ +
                                  static_cast<uintptr_t>(j) * pixel_ +
                                  static_cast<uintptr_t>(c) * sizeof(float);
        // A number: it may lie beyond the array, where no pointer may point.
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        __builtin_prefetch(reinterpret_cast<const void*>(address), kWrite);
      }
    }
  }

 private:
  uintptr_t at_, row_, pixel_;
};

/// Tiles of kSide x kSide entries, kStep apart, transformed to kPlaces x kPlaces.
template <int kSide, int kStep, int kPlaces, class Transform>
[[gnu::always_inline]] inline void read_tiles(const TileGrid& g, int64_t first, int64_t count,
                                              const float* array, const TileMatrices& to,
                                              Transform&& transform) {
  static const float zeros[kLanes] = {};
  for (int64_t t = 0; t < count; ++t) {
    const TilePlace place(g, first + t, kStep);
    const Prefetch<kSide, kStep, 0> next(g, first + t + tiles_ahead(g.channels), array);
    const auto put_at = [&](int64_t c) {
      float* const at = entry(to, t, c);
      return [&to, at](int i, int j, Vector v) { store(at + (i * kPlaces + j) * to.matrix, v); };
    };
    if (place.is_inside(g, 0, 0) && place.is_inside(g, kSide - 1, kSide - 1) &&
        g.channels % kLanes == 0) {
      const float* const corner = array + place.at(g, 0, 0);
      const int64_t row = g.width * g.stored;
      for (int64_t c = 0; c < g.channels; c += kLanes) {
        next.line(c);
        transform_both<kSide, kPlaces>(
            transform, [&](int i, int j) { return load(corner + i * row + j * g.stored + c); },
            put_at(c));
      }
      continue;
    }
    const float* at[kSide][kSide];
    int64_t kept[kSide][kSide];  // the bits of the channel that count: none in the padding
    for (int i = 0; i < kSide; ++i) {
      for (int j = 0; j < kSide; ++j) {
        const bool inside = place.is_inside(g, i, j);
        at[i][j] = inside ? array + place.at(g, i, j) : zeros;
        kept[i][j] = inside ? -1 : 0;
      }
    }
    for_each_vector(g.channels, [&](int64_t c, int64_t lanes) {
      next.line(c);
      if (lanes == kLanes) {
        transform_both<kSide, kPlaces>(
            transform, [&](int i, int j) { return load(at[i][j] + (c & kept[i][j])); }, put_at(c));
      } else {
        transform_both<kSide, kPlaces>(
            transform, [&](int i, int j) { return load(at[i][j] + (c & kept[i][j]), lanes); },
            put_at(c));
      }
    });
  }
}

template <int kTile>
void read_input(const TileGrid& g, int64_t first, int64_t count, const float* x,
                const TileMatrices& to) {
  using W = Winograd<kTile>;
  read_tiles<W::kPlaces, kTile, W::kPlaces>(g, first, count, x, to,
                                            [](const Vector* d, Vector* v) { W::input(d, v); });
}

template <int kTile>
void read_gradient(const TileGrid& g, int64_t first, int64_t count, const float* dy,
                   const TileMatrices& to) {
  using W = Winograd<kTile>;
  read_tiles<kTile, kTile, W::kPlaces>(g, first, count, dy, to,
                                       [](const Vector* y, Vector* m) { W::gradient(y, m); });
}

template <int kTile>
void write_output(const TileGrid& g, int64_t first, int64_t count, const TileMatrices& from,
                  float* y) {
  using W = Winograd<kTile>;
  constexpr int kPlaces = W::kPlaces;
  const auto transform = [](const Vector* m, Vector* out) { W::output(m, out); };
  for (int64_t t = 0; t < count; ++t) {
    const TilePlace place(g, first + t, kTile);
    const Prefetch<kTile, kTile, 1> next(g, first + t + tiles_ahead(g.channels), y);
    const int64_t rows = least(g.height - place.row, kTile);
    const int64_t columns = least(g.width - place.column, kTile);
    for_each_vector(g.channels, [&](int64_t c, int64_t lanes) {
      next.line(c);
      const float* const at = entry(from, t, c);
      const auto get = [&](int i, int j) { return load(at + (i * kPlaces + j) * from.matrix); };
      float* const corner = y + place.at(g, 0, 0) + c;
      const int64_t row = g.width * g.stored;
      if (lanes == kLanes && rows == kTile && columns == kTile) {
        transform_both<kPlaces, kTile>(transform, get, [&](int i, int j, Vector v) {
          store(corner + i * row + j * g.stored, v);
        });
        return;
      }
      transform_both<kPlaces, kTile>(transform, get, [&](int i, int j, Vector v) {
        if (i < rows && j < columns) store(corner + i * row + j * g.stored, v, lanes);
      });
    });
  }
}

}  // namespace
}  // namespace tenon
