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

/// Threads that parallel work of the process uses in all: OMP_NUM_THREADS or the CPUs of this
/// process, until it is set. OpenMP itself is not used, nor told.
int thread_count();
/// 1 to 128.
void set_thread_count(int count);
/// True inside parallel_for's function, where further parallel work runs serially.
bool in_parallel();

/// While one lives, its thread counts as one that computes: parallel work of other threads leaves a
/// processor to it. Around what computes for longer than one parallel_for.
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

/// The number of chunks that n items are cut into: it depends on the grain alone.
inline int64_t chunk_count(int64_t n, int64_t grain) {
  if (n <= 0) return 0;
  return grain < 1 ? n : (n - 1) / grain + 1;
}

/// Calls function(begin, end) for chunks of `grain` items (the last may be shorter) that cover
/// [0, n), on the caller and on helpers that all callers of the process share; where as many
/// threads compute as there may be, the caller does it all. The cuts never depend on the number of
/// threads, so neither do sums made per chunk. An exception travels to the caller: that of the
/// first failing chunk. A child of fork may call it, too.
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
