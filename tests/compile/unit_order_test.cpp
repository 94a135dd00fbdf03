#include "tenon/compile/unit_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tenon/base/random.h"

namespace tenon {
namespace {

/// Units that read others, joined one by one, with everything looked up the slow way.
class Program {
 public:
  Program(uint32_t units, RandomStream& random) : order_(units) {
    for (uint32_t unit = 0; unit < units; ++unit) {
      std::set<uint32_t>& reads = reads_[unit];
      for (uint64_t i = random.below(4); unit > 0 && i > 0; --i)
        reads.insert(static_cast<uint32_t>(random.below(unit)));
    }
  }

  /// Joins two units unless a third one lies between; whether it did.
  bool try_join(uint32_t a, uint32_t b) {
    const uint32_t earlier = order_.is_before(a, b) ? a : b, later = earlier == a ? b : a;
    std::vector<uint32_t> between;
    for (uint32_t unit : behind(later)) {
      if (unit != earlier && order_.is_before(earlier, unit)) between.push_back(unit);
    }
    if (std::ranges::any_of(between, [&](uint32_t unit) { return behind(unit).contains(earlier); }))
      return false;
    order_.join(earlier, later, a, between);
    std::set<uint32_t> reads = reads_.at(a);
    reads.merge(reads_.at(b));
    reads_.erase(b);
    for (auto& [unit, others] : reads_) {
      if (others.erase(b) > 0) others.insert(a);
    }
    reads.erase(a);
    reads.erase(b);
    reads_[a] = std::move(reads);
    return true;
  }

  void expect_that_all_come_after_what_they_read() const {
    for (const auto& [unit, reads] : reads_) {
      for (uint32_t read : reads) EXPECT_TRUE(order_.is_before(read, unit)) << read << " " << unit;
    }
  }
  std::vector<uint32_t> units() const {
    std::vector<uint32_t> units;
    for (const auto& [unit, reads] : reads_) units.push_back(unit);
    return units;
  }

 private:
  std::set<uint32_t> behind(uint32_t unit) const {
    std::set<uint32_t> found;
    std::vector<uint32_t> todo{unit};
    while (!todo.empty()) {
      const uint32_t next = todo.back();
      todo.pop_back();
      for (uint32_t read : reads_.at(next)) {
        if (found.insert(read).second) todo.push_back(read);
      }
    }
    return found;
  }

  UnitOrder order_;
  std::map<uint32_t, std::set<uint32_t>> reads_;
};

TEST(UnitOrder, StaysAnOrderWhileUnitsJoin) {
  int64_t joins = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    RandomStream random{RandomKey(seed)};
    Program program(2 + static_cast<uint32_t>(random.below(40)), random);
    for (int i = 0; i < 60; ++i) {
      const std::vector<uint32_t> units = program.units();
      const uint32_t a = units[random.below(units.size())], b = units[random.below(units.size())];
      if (a != b && program.try_join(a, b)) ++joins;
      program.expect_that_all_come_after_what_they_read();
    }
  }
  EXPECT_GT(joins, 400);
}

// Each join in front of the same unit halves the room between two numbers.
TEST(UnitOrder, FindsRoomForAnyNumberOfJoins) {
  constexpr uint32_t kUnits = 1000;
  UnitOrder order(kUnits);
  // Unit 0 takes in every third one, which brings the one before it to the front.
  for (uint32_t unit = 2; unit < kUnits; unit += 2) order.join(0, unit, 0, {unit - 1});
  for (uint32_t unit = 3; unit < kUnits; unit += 2) {
    EXPECT_TRUE(order.is_before(unit - 2, unit));
    EXPECT_EQ(order.is_before(unit, 0), unit + 1 < kUnits);
  }
}

}  // namespace
}  // namespace tenon
