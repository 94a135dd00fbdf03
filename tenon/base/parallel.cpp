#include "tenon/base/parallel.h"

#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

#include "tenon/base/thread_pool.h"

namespace tenon {
namespace {

using detail::kMaxThreads;

std::atomic<int> g_thread_count{0};  // 0: not decided yet

/// Threads with a ComputingThread. In a line of the cache of its own: every run writes to it.
struct alignas(64) Computing {
  std::atomic<int> threads{0};
} g_computing;

thread_local int t_computing = 0;  // how many of them this thread has
thread_local bool t_in_parallel = false;

int possible(int count) { return std::clamp(count, 1, kMaxThreads); }

/// A child of fork has no threads but the one that forked.
void count_this_thread_alone() { g_computing.threads.store(t_computing > 0 ? 1 : 0); }

struct ChunkCall {
  int64_t n, grain;
  detail::ChunkFunction function;
  void* context;

  void run(int64_t chunk) const {
    const int64_t begin = chunk * grain;
    function(context, chunk, begin, std::min(n, begin + grain));
  }
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

/// The chunks of one call, as several threads do them.
class SharedChunks {
 public:
  SharedChunks(int64_t chunks, int threads, ChunkCall call) : call_(call), threads_(threads) {
    // Neighbouring chunks go to one thread, whose cache may still hold them from the last kernel.
    for (int t = 0; t < threads; ++t) {
      shares_[t].next.store(chunks * t / threads, std::memory_order_relaxed);
      shares_[t].end = chunks * (t + 1) / threads;
    }
  }

  static void work(void* context, int self) {
    t_in_parallel = true;
    static_cast<SharedChunks*>(context)->do_chunks(self);
    t_in_parallel = false;
  }

  void rethrow() const {
    if (failure_.exception) std::rethrow_exception(failure_.exception);
  }

 private:
  // The chunks that one thread does first; the others help when their own are done.
  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };

  void do_chunks(int self) {
    for (int i = 0; i < threads_; ++i) {
      Share& share = shares_[(self + i) % threads_];
      for (;;) {
        const int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= share.end) break;
        // Chunks before a failed one still run, so which exception wins is deterministic.
        if (chunk > failure_.chunk.load(std::memory_order_relaxed)) continue;
        try {
          call_.run(chunk);
        } catch (...) {
          failure_.record(chunk);
        }
      }
    }
  }

  ChunkCall call_;
  int threads_;
  Share shares_[kMaxThreads];
  Failure failure_;
};

}  // namespace

int thread_count() {
  int count = g_thread_count.load(std::memory_order_relaxed);
  if (count == 0) {
    count = possible(std::min(omp_get_max_threads(), omp_get_thread_limit()));
    g_thread_count.store(count, std::memory_order_relaxed);
  }
  return count;
}

void set_thread_count(int count) {
  g_thread_count.store(possible(count), std::memory_order_relaxed);
}

bool in_parallel() { return t_in_parallel; }

ComputingThread::ComputingThread() {
  if (t_in_parallel || t_computing++ > 0) return;
  [[maybe_unused]] static const int once =
      pthread_atfork(nullptr, nullptr, &count_this_thread_alone);
  g_computing.threads.fetch_add(1, std::memory_order_relaxed);
}

ComputingThread::~ComputingThread() {
  if (!t_in_parallel && --t_computing == 0)
    g_computing.threads.fetch_sub(1, std::memory_order_relaxed);
}

namespace detail {

void run_chunks(int64_t n, int64_t grain, ChunkFunction function, void* context) {
  const ChunkCall call{n, std::max<int64_t>(grain, 1), function, context};
  const int64_t chunks = chunk_count(n, call.grain);
  const ComputingThread here;
  // Every other thread that computes has its own processor, which is no longer free.
  const int others = g_computing.threads.load(std::memory_order_relaxed) - 1;
  const auto threads = static_cast<int>(std::min<int64_t>(thread_count() - others, chunks));
  if (threads > 1 && !t_in_parallel) {
    SharedChunks shared(chunks, threads, call);
    if (ThreadPool::of_process().run(threads, &SharedChunks::work, &shared)) {
      shared.rethrow();
      return;
    }
  }
  for (int64_t chunk = 0; chunk < chunks; ++chunk) call.run(chunk);
}

}  // namespace detail
}  // namespace tenon
