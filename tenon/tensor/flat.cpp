#include "tenon/tensor/detail/flat.h"

#include "tenon/tensor/detail/jit_call.h"

namespace tenon::detail {

std::vector<size_t> leaf_places(std::span<const size_t> counts,
                                std::initializer_list<size_t> arguments) {
  std::vector<size_t> places;
  for (size_t argument : arguments) {
    size_t first = 0;
    for (size_t i = 0; i < argument; ++i) first += counts[i];
    for (size_t i = 0; i < counts[argument]; ++i) places.push_back(first + i);
  }
  return places;
}

std::vector<bool> numbers_among(std::span<const size_t> leaf_counts,
                                std::initializer_list<bool> is_number) {
  std::vector<bool> result;
  for (size_t i = 0; i < leaf_counts.size(); ++i)
    result.insert(result.end(), leaf_counts[i], is_number.begin()[i]);
  return result;
}

}  // namespace tenon::detail
