#include "tenon/compile/memory_plan.h"

#include <algorithm>
#include <functional>
#include <limits>
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

/// Finds, among buffers that have been marked, those whose lives meet a given one: without looking
/// at all others, where they are few.
class LifeIndex {
 public:
  explicit LifeIndex(std::span<const Lifetime> buffers)
      : buffers_(buffers), by_first_(buffers.size()), place_(buffers.size()) {
    std::iota(by_first_.begin(), by_first_.end(), size_t{0});
    std::ranges::stable_sort(by_first_, {}, [&](size_t i) { return buffers_[i].first; });
    for (size_t i = 0; i < by_first_.size(); ++i) place_[by_first_[i]] = i;
    while (leaves_ < buffers.size()) leaves_ *= 2;
    latest_.assign(2 * leaves_, kNever);
  }

  void mark(size_t buffer) {
    size_t node = leaves_ + place_[buffer];
    for (; node > 0; node /= 2) latest_[node] = std::max(latest_[node], buffers_[buffer].last);
  }

  /// Marked buffers that live at some time of `life`; false where they are more than `most`.
  bool collect(const Lifetime& life, size_t most, std::vector<size_t>& found) const {
    found.clear();
    const auto end = std::ranges::upper_bound(by_first_, life.last, {},
                                              [&](size_t i) { return buffers_[i].first; });
    return collect(1, 0, leaves_, static_cast<size_t>(end - by_first_.begin()), life.first, most,
                   found);
  }

 private:
  /// Of the places [begin, begin + count), which `node` stands for, those before `end`.
  bool collect(size_t node, size_t begin, size_t count, size_t end, int32_t first, size_t most,
               std::vector<size_t>& found) const {
    if (begin >= end || latest_[node] < first) return true;
    if (count == 1) {
      found.push_back(by_first_[begin]);
      return found.size() <= most;
    }
    const size_t half = count / 2;
    return collect(2 * node, begin, half, end, first, most, found) &&
           collect(2 * node + 1, begin + half, half, end, first, most, found);
  }

  static constexpr int32_t kNever = std::numeric_limits<int32_t>::min();
  std::span<const Lifetime> buffers_;
  std::vector<size_t> by_first_, place_;  // buffers by their first step, and where each is there
  size_t leaves_ = 1;
  std::vector<int32_t> latest_;  // of a binary tree over by_first_: the last step of a marked one
};

/// Where a buffer was placed.
struct Placed {
  int64_t begin, end;
  int32_t first, last;
};

/// The lowest offset at which so many bytes are free during a life; `placed` is in order of begin.
int64_t lowest_offset(const Lifetime& buffer, int64_t bytes, std::span<const Placed> placed) {
  int64_t offset = 0;
  for (const Placed& taken : placed) {
    if (taken.last < buffer.first || buffer.last < taken.first) continue;
    if (sum_of(offset, bytes) <= taken.begin) break;
    offset = std::max(offset, taken.end);
  }
  return offset;
}

/// Each buffer in turn at the lowest offset that is free during its life.
MemoryPlan place(std::span<const Lifetime> buffers, std::span<const size_t> order) {
  constexpr size_t kFew = 16;  // times as many are looked at in order
  MemoryPlan plan;
  plan.offsets.resize(buffers.size(), 0);
  LifeIndex lives(buffers);
  std::vector<Placed> placed, alive;
  std::vector<size_t> found;
  for (size_t index : order) {
    const Lifetime& buffer = buffers[index];
    const int64_t bytes = aligned(buffer.bytes);
    if (bytes == 0) continue;
    int64_t offset = 0;
    if (lives.collect(buffer, placed.size() / kFew, found)) {
      alive.clear();
      for (size_t other : found) {
        const Lifetime& taken = buffers[other];
        alive.push_back({plan.offsets[other], sum_of(plan.offsets[other], aligned(taken.bytes)),
                         taken.first, taken.last});
      }
      std::ranges::sort(alive, {}, &Placed::begin);
      offset = lowest_offset(buffer, bytes, alive);
    } else {
      offset = lowest_offset(buffer, bytes, placed);
    }
    const int64_t end = sum_of(offset, bytes);
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, end);
    const auto at = std::ranges::upper_bound(placed, offset, {}, &Placed::begin);
    placed.insert(at, {offset, end, buffer.first, buffer.last});
    lives.mark(index);
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
  using Key = std::function<double(const Lifetime&)>;
  // Whichever comes first lies lowest. Activations that wait for the backward pass nest in one
  // another and stack without gaps where the longest life comes first; the large scratch of single
  // calls leaves gaps under them where size comes first.
  const Key keys[] = {
      [](const Lifetime& b) { return static_cast<double>(b.bytes); },
      [](const Lifetime& b) { return steps_of(b); },
      [](const Lifetime& b) { return static_cast<double>(b.bytes) * steps_of(b); },
  };
  const int64_t least = most_at_once(buffers);
  MemoryPlan best;
  std::vector<size_t> order(buffers.size());
  for (const Key& key : keys) {
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
