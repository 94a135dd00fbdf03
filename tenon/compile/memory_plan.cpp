#include "tenon/compile/memory_plan.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "tenon/base/error.h"

namespace tenon {

namespace {

int64_t sum_of(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    fail(ErrorCode::resource_exhausted, "a plan would need more than 2^63 bytes");
  return sum;
}

int64_t aligned(int64_t bytes) {
  return sum_of(bytes, kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

/// What is taken of the memory, as ranges that do not touch one another, in order.
class Ranges {
 public:
  void add(int64_t begin, int64_t end) {
    auto first = std::ranges::lower_bound(ranges_, begin, {}, &Range::end);
    auto last = first;
    for (; last != ranges_.end() && last->begin <= end; ++last) {
      begin = std::min(begin, last->begin);
      end = std::max(end, last->end);
    }
    if (first == last) {
      ranges_.insert(first, {begin, end});
      return;
    }
    *first = {begin, end};
    ranges_.erase(first + 1, last);
  }

  bool empty() const { return ranges_.empty(); }
  /// The lowest place from `offset` on where so many bytes are free.
  int64_t lowest(int64_t offset, int64_t bytes) const {
    auto at = std::ranges::upper_bound(ranges_, offset, {}, &Range::end);
    for (; at != ranges_.end() && at->begin < sum_of(offset, bytes); ++at) offset = at->end;
    return offset;
  }

 private:
  struct Range {
    int64_t begin, end;
  };
  std::vector<Range> ranges_;
};

/// What is taken at which time: a tree over times, in which a life is made of few nodes. Buffers
/// lie side by side, so that the ranges of a node are few though buffers are many.
class TakenMemory {
 public:
  explicit TakenMemory(std::span<const Lifetime> buffers) {
    for (const Lifetime& buffer : buffers) times_.push_back(buffer.first);
    std::ranges::sort(times_);
    times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
    size_t leaves = 1;
    while (leaves < times_.size()) leaves *= 2;
    nodes_.resize(2 * leaves);
  }

  /// The lowest offset at which so many bytes are free all the life long.
  int64_t lowest(const Lifetime& life, int64_t bytes) {
    met_.clear();
    collect(1, 0, nodes_.size() / 2, life);
    int64_t offset = 0;
    // Until all agree.
    for (size_t agreed = 0, i = 0; agreed < met_.size(); i = (i + 1) % met_.size()) {
      const int64_t lowest = met_[i]->lowest(offset, bytes);
      agreed = lowest == offset ? agreed + 1 : 1;
      offset = lowest;
    }
    return offset;
  }

  void take(const Lifetime& life, int64_t begin, int64_t end) {
    take(1, 0, nodes_.size() / 2, life, begin, end);
  }

 private:
  struct TimeNode {
    Ranges ever;    // taken at some of its times
    Ranges always;  // taken at all of them, by buffers that do not live all the parent's times
  };

  // Only times at which something begins count: two lives meet where one of them begins.
  bool is_apart(size_t begin, size_t count, const Lifetime& life) const {
    return begin >= times_.size() || life.last < times_[begin] ||
           (begin + count < times_.size() && times_[begin + count] <= life.first);
  }
  bool is_inside(size_t begin, size_t count, const Lifetime& life) const {
    const size_t last = std::min(begin + count, times_.size()) - 1;
    return life.first <= times_[begin] && times_[last] <= life.last;
  }

  void collect(size_t node, size_t begin, size_t count, const Lifetime& life) {
    if (nodes_[node].ever.empty() && nodes_[node].always.empty()) return;
    if (is_apart(begin, count, life)) return;
    const bool inside = is_inside(begin, count, life);
    const Ranges& ranges = inside ? nodes_[node].ever : nodes_[node].always;
    if (!ranges.empty()) met_.push_back(&ranges);
    if (inside) return;
    collect(2 * node, begin, count / 2, life);
    collect(2 * node + 1, begin + count / 2, count / 2, life);
  }

  void take(size_t node, size_t first, size_t count, const Lifetime& life, int64_t begin,
            int64_t end) {
    if (is_apart(first, count, life)) return;
    nodes_[node].ever.add(begin, end);
    if (is_inside(first, count, life)) {
      nodes_[node].always.add(begin, end);
      return;
    }
    take(2 * node, first, count / 2, life, begin, end);
    take(2 * node + 1, first + count / 2, count / 2, life, begin, end);
  }

  std::vector<int32_t> times_;  // in order: those at which a buffer begins to live
  std::vector<TimeNode> nodes_;
  std::vector<const Ranges*> met_;
};

/// Each buffer in turn at the lowest offset that is free during its life.
MemoryPlan place(std::span<const Lifetime> buffers, std::span<const size_t> order) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size(), 0);
  TakenMemory taken(buffers);
  for (size_t index : order) {
    const Lifetime& buffer = buffers[index];
    const int64_t bytes = aligned(buffer.bytes);
    if (bytes == 0) continue;
    const int64_t offset = taken.lowest(buffer, bytes);
    const int64_t end = sum_of(offset, bytes);
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, end);
    taken.take(buffer, offset, end);
  }
  return plan;
}

/// The most bytes that are needed at once: no plan can do with less.
int64_t most_at_once(std::span<const Lifetime> buffers) {
  std::vector<std::pair<int32_t, int64_t>> changes;  // at a step, by so many bytes
  for (const Lifetime& buffer : buffers) {
    changes.emplace_back(buffer.first, aligned(buffer.bytes));
    changes.emplace_back(buffer.last + 1, -aligned(buffer.bytes));
  }
  std::ranges::sort(changes);  // what ends makes room for what begins
  int64_t now = 0, most = 0;
  for (const auto& [step, bytes] : changes) most = std::max(most, now = sum_of(now, bytes));
  return most;
}

double steps_of(const Lifetime& buffer) { return buffer.last - buffer.first + 1; }

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> buffers) {
  using Key = double (*)(const Lifetime&);
  // Whichever comes first lies lowest. Activations that wait for the backward pass nest in one
  // another and stack without gaps where the longest life comes first; the large scratch of single
  // calls leaves gaps under them where size comes first.
  constexpr Key kKeys[] = {
      [](const Lifetime& b) { return static_cast<double>(b.bytes); },
      [](const Lifetime& b) { return steps_of(b); },
      [](const Lifetime& b) { return static_cast<double>(b.bytes) * steps_of(b); },
  };
  const int64_t least = most_at_once(buffers);
  MemoryPlan best;
  std::vector<size_t> order(buffers.size());
  for (const Key key : kKeys) {
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater<>(),
                             [&](size_t index) { return key(buffers[index]); });
    MemoryPlan plan = place(buffers, order);
    if (best.offsets.empty() || plan.bytes < best.bytes) best = std::move(plan);
    if (best.bytes <= least) break;
  }
  return best;
}

}  // namespace tenon
