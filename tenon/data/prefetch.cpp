#include "tenon/data/prefetch.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/data/batch_pool.h"

namespace tenon::data {

namespace {

int64_t steps_in_epoch(const Dataset& dataset, const LoaderOptions& options) {
  if (dataset.columns().empty())
    fail(ErrorCode::invalid_argument, "loader: a dataset without columns");
  if (options.batch < 1) {
    fail(ErrorCode::invalid_argument, "loader: a batch of {} rows", options.batch);
  }
  if (options.prefetch < 0) {
    fail(ErrorCode::invalid_argument, "loader: {} batches ahead", options.prefetch);
  }
  if (dataset.empty()) fail(ErrorCode::invalid_argument, "loader: the data set has no rows");
  const int64_t full = dataset.size() / options.batch;
  const int64_t steps = full + (dataset.size() % options.batch != 0 && !options.drop_last ? 1 : 0);
  if (steps == 0) {
    throw make_error(ErrorCode::invalid_argument, "loader: {} rows do not fill a batch of {}",
                     dataset.size(), options.batch)
        .note("hint: a smaller batch, or drop_last = false");
  }
  return steps;
}

}  // namespace

const Buffer& HostBatch::at(std::string_view name) const& {
  for (const auto& [column, buffer] : columns) {
    if (column == name) return buffer;
  }
  fail(ErrorCode::not_found, "batch: no column '{}'", name);
}

std::vector<int64_t> epoch_order(uint64_t seed, int64_t epoch, int64_t rows, bool shuffle) {
  if (shuffle) {
    return permutation(RandomKey(seed).fold_in("shuffle").fold_in(static_cast<uint64_t>(epoch)),
                       rows);
  }
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

/// Makes batches in order of their positions, on its own thread unless prefetch is 0.
class Prefetcher::Worker {
 public:
  Worker(Dataset dataset, LoaderOptions options, int64_t steps_per_epoch)
      : options(std::move(options)),
        pool(std::move(dataset), this->options.batch, this->options.scale_bytes),
        steps_per_epoch_(steps_per_epoch) {}

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  HostBatch take() {
    if (options.prefetch == 0) return make(advance(next_));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    std::unique_lock lock(mutex_);
    ready_changed_.wait(lock, [this] { return !ready_.empty(); });
    Ready ready = std::move(ready_.front());
    ready_.pop_front();
    // Woken once for several batches: every wake-up takes a core from the step for a moment.
    const bool refill = ready_.size() <= static_cast<size_t>(options.prefetch) / 2;
    lock.unlock();
    if (refill) wake_.notify_one();
    if (ready.error) std::rethrow_exception(ready.error);
    return std::move(ready.batch);
  }

  void seek(Position position) {
    std::deque<Ready> dropped;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    next_ = position;
    ++generation_;
    dropped.swap(ready_);
    failed_ = false;
    wake_.notify_one();
  }

  const LoaderOptions options;
  BatchPool pool;

 private:
  struct Ready {
    HostBatch batch;
    std::exception_ptr error;
  };

  /// The position itself; moves `position` on to the next batch, over the end of an epoch.
  Position advance(Position& position) const {
    if (position.step == steps_per_epoch_) position = {position.epoch + 1, 0};
    const Position result = position;
    ++position.step;
    return result;
  }

  /// Only ever called by one thread: the worker's, or the caller's without one.
  HostBatch make(Position position) {
    const int64_t rows = pool.dataset().size();
    if (order_.empty() || order_epoch_ != position.epoch) {
      order_ = epoch_order(options.seed, position.epoch, rows, options.shuffle);
      order_epoch_ = position.epoch;
    }
    const int64_t begin = position.step * options.batch;
    const int64_t count = std::min(options.batch, rows - begin);
    HostBatch batch = pool.gather(
        std::span(order_).subspan(static_cast<size_t>(begin), static_cast<size_t>(count)));
    if (options.transform) {
      const RandomKey key = RandomKey(options.seed)
                                .fold_in("transform")
                                .fold_in(static_cast<uint64_t>(position.epoch))
                                .fold_in(static_cast<uint64_t>(position.step));
      options.transform(batch, key);
    }
    return batch;
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] {
        return stop_ || (!failed_ && ready_.size() < static_cast<size_t>(options.prefetch));
      });
      if (stop_) return;
      const Position position = advance(next_);
      const uint64_t generation = generation_;
      lock.unlock();
      Ready ready;
      try {
        ready.batch = make(position);
      } catch (...) {
        ready.error = std::current_exception();
      }
      lock.lock();
      if (generation != generation_) {  // somebody called seek() meanwhile
        lock.unlock();
        ready = {};
        lock.lock();
        continue;
      }
      failed_ = ready.error != nullptr;  // nothing is made after an error until seek()
      ready_.push_back(std::move(ready));
      ready_changed_.notify_one();
    }
  }

  const int64_t steps_per_epoch_;
  std::vector<int64_t> order_;
  int64_t order_epoch_ = -1;

  std::mutex mutex_;
  std::condition_variable wake_, ready_changed_;
  std::deque<Ready> ready_;
  Position next_;
  uint64_t generation_ = 0;
  bool failed_ = false, stop_ = false;
  std::thread thread_;
};

Prefetcher::Prefetcher(Dataset dataset, LoaderOptions options)
    : steps_per_epoch_(steps_in_epoch(dataset, options)),
      worker_(std::make_unique<Worker>(std::move(dataset), std::move(options), steps_per_epoch_)),
      generation_(fork_generation()) {}

Prefetcher::~Prefetcher() {
  if (generation_ != fork_generation()) static_cast<void>(worker_.release());
}

/// The thread of the parent is not in its child, whatever it held: what it left stays as it is.
Prefetcher::Worker& Prefetcher::worker() {
  if (generation_ != fork_generation()) {
    const Worker& left = *worker_.release();
    worker_ = std::make_unique<Worker>(left.pool.dataset(), left.options, steps_per_epoch_);
    worker_->seek(position_);
    generation_ = fork_generation();
  }
  return *worker_;
}

const Dataset& Prefetcher::dataset() const { return worker_->pool.dataset(); }
const LoaderOptions& Prefetcher::options() const { return worker_->options; }

std::optional<HostBatch> Prefetcher::next() {
  if (position_.step == steps_per_epoch_) {
    position_ = {position_.epoch + 1, 0};
    return std::nullopt;
  }
  HostBatch batch;
  try {
    batch = worker().take();
  } catch (...) {
    worker().seek(position_);  // a second try makes the same batch again
    throw;
  }
  ++position_.step;
  return batch;
}

void Prefetcher::seek(Position position) {
  if (position.epoch < 0 || position.step < 0 || position.step > steps_per_epoch_) {
    fail(ErrorCode::out_of_range, "loader: step {} of epoch {}, which has {} steps", position.step,
         position.epoch, steps_per_epoch_);
  }
  position_ = position;
  worker().seek(position);
}

}  // namespace tenon::data
