#include "tenon/base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

namespace tenon {
namespace {

constexpr int kMaxThreads = 128;

std::atomic<int> g_thread_count{0};  // 0: not decided yet

// The chunks that one thread does first; the others help when their own are done.
struct alignas(64) Share {
  std::atomic<int64_t> next;
  int64_t end;
};

struct Failure {
  std::atomic<int64_t> chunk{std::numeric_limits<int64_t>::max()};
  std::exception_ptr exception;
  std::mutex mutex;

  void record(int64_t failed_chunk) {
    const std::lock_guard lock(mutex);
    if (failed_chunk >= chunk.load(std::memory_order_relaxed)) return;
    chunk.store(failed_chunk, std::memory_order_relaxed);
    exception = std::current_exception();
  }
};

/// As many as OpenMP gives at once: libraries make kernels for a number of threads, and would leave
/// out the share of those that do not come.
int possible(int count) {
  return std::clamp(count, 1, std::min(kMaxThreads, std::max(1, omp_get_thread_limit())));
}

}  // namespace

int thread_count() {
  int count = g_thread_count.load(std::memory_order_relaxed);
  if (count == 0) {
    count = possible(omp_get_max_threads());
    g_thread_count.store(count, std::memory_order_relaxed);
  }
  return count;
}

void set_thread_count(int count) {
  g_thread_count.store(possible(count), std::memory_order_relaxed);
  omp_set_num_threads(thread_count());
}

void limit_openmp_threads() {
  if (omp_get_max_threads() > thread_count()) omp_set_num_threads(thread_count());
}

bool in_parallel() { return omp_in_parallel() != 0; }

namespace detail {

void run_chunks(int64_t n, int64_t grain, ChunkFunction function, void* context) {
  grain = std::max<int64_t>(grain, 1);
  const int64_t chunks = chunk_count(n, grain);
  const int threads = static_cast<int>(std::min<int64_t>(thread_count(), chunks));
  const auto run = [&](int64_t chunk) {
    const int64_t begin = chunk * grain;
    function(context, chunk, begin, std::min(n, begin + grain));
  };
  if (threads == 1 || in_parallel()) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) run(chunk);
    return;
  }

  // Neighbouring chunks go to one thread, whose cache may still hold them from the last kernel.
  Share shares[kMaxThreads];
  for (int t = 0; t < threads; ++t) {
    shares[t].next.store(chunks * t / threads, std::memory_order_relaxed);
    shares[t].end = chunks * (t + 1) / threads;
  }
  Failure failure;
#pragma omp parallel num_threads(threads)
  {
    const int self = omp_get_thread_num();
    for (int i = 0; i < threads; ++i) {
      Share& share = shares[(self + i) % threads];
      for (;;) {
        const int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= share.end) break;
        // Chunks before a failed one still run, so which exception wins is deterministic.
        if (chunk > failure.chunk.load(std::memory_order_relaxed)) continue;
        try {
          run(chunk);
        } catch (...) {
          failure.record(chunk);
        }
      }
    }
  }
  if (failure.exception) std::rethrow_exception(failure.exception);
}

}  // namespace detail
}  // namespace tenon
