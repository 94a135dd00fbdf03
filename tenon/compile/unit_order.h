// A topological order of the units of a program, maintained while units are joined: fusion uses it
// to decide whether two groups may become one.
//
//   UnitOrder order(4);                       // 0, 1, 2, 3
//   order.join(0, 3, 0, {2});                 // 3 reads 2, and joins 0: 2, 0, 1
//   order.is_before(2, 0);                    // true
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon {

class UnitOrder {
 public:
  explicit UnitOrder(size_t units);

  bool is_before(uint32_t a, uint32_t b) const { return label_[a] < label_[b]; }
  /// Moves `later` to the position of `earlier` and gives both the name `name`, which is one of
  /// them. `needed` are the units between them that `later` reads, directly or not: they are moved
  /// before both. None of them may read `earlier`.
  void join(uint32_t earlier, uint32_t later, uint32_t name, std::vector<uint32_t> needed);

 private:
  void remove(uint32_t unit);
  void insert_before(uint32_t unit, uint32_t place, int64_t label);
  void number_anew();

  // A circular list with one more unit, which comes before the first and after the last.
  uint32_t end_;
  std::vector<uint32_t> previous_, next_;
  std::vector<int64_t> label_;  // ascending along the list
};

}  // namespace tenon
