#include "tenon/compile/unit_order.h"

#include <algorithm>
#include <limits>

namespace tenon {

namespace {

constexpr int64_t kStep = int64_t{1} << 31;

}  // namespace

UnitOrder::UnitOrder(size_t units)
    : end_(static_cast<uint32_t>(units)),
      previous_(units + 1),
      next_(units + 1),
      label_(units + 1) {
  for (uint32_t unit = 0; unit <= end_; ++unit) {
    previous_[unit] = unit == 0 ? end_ : unit - 1;
    next_[unit] = unit == end_ ? 0 : unit + 1;
  }
  number_anew();
}

void UnitOrder::number_anew() {
  int64_t label = 0;
  for (uint32_t unit = next_[end_]; unit != end_; unit = next_[unit]) label_[unit] = label += kStep;
  label_[end_] = std::numeric_limits<int64_t>::max();
}

void UnitOrder::remove(uint32_t unit) {
  next_[previous_[unit]] = next_[unit];
  previous_[next_[unit]] = previous_[unit];
}

void UnitOrder::insert_before(uint32_t unit, uint32_t place, int64_t label) {
  previous_[unit] = previous_[place];
  next_[unit] = place;
  next_[previous_[place]] = unit;
  previous_[place] = unit;
  label_[unit] = label;
}

void UnitOrder::join(uint32_t earlier, uint32_t later, uint32_t name,
                     std::vector<uint32_t> needed) {
  std::ranges::sort(needed, {}, [&](uint32_t unit) { return label_[unit]; });
  remove(later);
  for (uint32_t unit : needed) remove(unit);
  if (name != earlier) {
    insert_before(name, earlier, label_[earlier]);
    remove(earlier);
  }
  auto room = [&] {
    const uint32_t before = previous_[name];
    return label_[name] - (before == end_ ? 0 : label_[before]);
  };
  const auto steps = static_cast<int64_t>(needed.size()) + 1;
  if (room() < steps) number_anew();
  const int64_t step = room() / steps;
  int64_t label = label_[name] - steps * step;
  for (uint32_t unit : needed) insert_before(unit, name, label += step);
}

}  // namespace tenon
