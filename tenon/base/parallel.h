#pragma once

//   #include <functional>
//   given: int64_t rows = 9, n = 9; std::vector<float> out(9); float (*f)(int64_t);
//   given: double (*sum_of_range)(int64_t, int64_t);
//   parallel_for(rows, /*grain=*/64, [&](int64_t begin, int64_t end) {
//     for (int64_t row = begin; row < end; ++row) out[row] = f(row);
//   });
//   double sum = parallel_reduce(n, 4096, 0.0, sum_of_range, std::plus<>());
//   set_thread_count(1);      // same bits as with any other number

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tenon {

/// The total number of threads for parallel work of the process. Default: OMP_NUM_THREADS, or the
/// CPUs of this process. OpenMP itself is not used or affected.
int thread_count();
/// 1 to 128.
void set_thread_count(int count);
/// True inside parallel_for's function, where further parallel work runs serially.
bool in_parallel();

/// While one lives, its thread counts as computing, so parallel work of other threads leaves it a
/// processor. Use it around computations that take longer than one parallel_for.
class ComputingThread {
 public:
  ComputingThread();
  ~ComputingThread();
  ComputingThread(const ComputingThread&) = delete;
  ComputingThread& operator=(const ComputingThread&) = delete;
};

namespace detail {
using ChunkFunction = void (*)(void* context, int64_t chunk, int64_t begin, int64_t end);
void run_chunks(int64_t n, int64_t grain, ChunkFunction function, void* context);
}  // namespace detail

/// The number of chunks into which n items are split: it depends only on the grain.
inline int64_t chunk_count(int64_t n, int64_t grain) {
  if (n <= 0) return 0;
  return grain < 1 ? n : (n - 1) / grain + 1;
}

/// Calls function(begin, end) for chunks of `grain` items (the last may be shorter) that cover
/// [0, n), on the caller and on worker threads that all callers share. If as many threads as
/// allowed already compute, the caller does everything. The chunks never depend on the number of
/// threads, so neither do sums per chunk. The caller gets the exception of the first failing chunk.
/// A child of fork may call it, too.
template <typename Function>
void parallel_for(int64_t n, int64_t grain, Function&& function) {
  if (n <= 0) return;
  if (n <= grain) {
    function(int64_t{0}, n);
    return;
  }
  using F = std::remove_reference_t<Function>;
  detail::run_chunks(
      n, grain,
      [](void* context, int64_t, int64_t begin, int64_t end) {
        (*static_cast<F*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(function))));
}

/// Combines map(begin, end) of each chunk, in the order of the chunks: the same bits on any
/// number of threads. `combine(T, T)` returns the joined value.
template <typename T, typename Map, typename Combine>
T parallel_reduce(int64_t n, int64_t grain, T identity, Map&& map, Combine&& combine) {
  if (n <= 0) return identity;
  if (n <= grain) return combine(std::move(identity), map(int64_t{0}, n));
  struct Slot {
    T value;
  };  // keeps std::vector<bool> out of it
  struct Context {
    std::remove_reference_t<Map>& map;
    std::vector<Slot> partial;
  } context{map, std::vector<Slot>(static_cast<size_t>(chunk_count(n, grain)), Slot{identity})};
  detail::run_chunks(
      n, grain,
      [](void* raw, int64_t chunk, int64_t begin, int64_t end) {
        auto& c = *static_cast<Context*>(raw);
        c.partial[static_cast<size_t>(chunk)].value = c.map(begin, end);
      },
      &context);
  T result = std::move(identity);
  for (Slot& slot : context.partial) result = combine(std::move(result), std::move(slot.value));
  return result;
}

}  // namespace tenon
