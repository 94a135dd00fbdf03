#pragma once

//   given: Dataset dataset; template <typename T> void use(const T&) {}
//   Prefetcher batches(dataset, {.batch = 64, .seed = 0});
//   while (std::optional<HostBatch> batch = batches.next()) use(batch->at("image"));   // one epoch
//   Position here = batches.position();       // save it,
//   batches.seek(here);                       // and go on with the same batches

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/random.h"
#include "tenon/data/dataset.h"
#include "tenon/runtime/buffer.h"

namespace tenon::data {

/// A position in a run over the data: `step` batches of epoch `epoch` have been taken.
struct Position {
  int64_t epoch = 0;
  int64_t step = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// Rows gathered from every column, in memory that returns to the loader with the last handle to
/// it.
struct HostBatch {
  std::vector<std::pair<std::string, Buffer>> columns;

  const Buffer& at(std::string_view name) const&;
  Buffer at(std::string_view name) && { return at(name); }
  int64_t size() const { return columns.empty() ? 0 : columns.front().second.shape()[0]; }
};

/// Changes a batch in place, on the loader's thread (augmentation). The key depends only on seed,
/// epoch and step.
using Transform = std::function<void(HostBatch&, RandomKey)>;

struct LoaderOptions {
  int64_t batch = 64;
  uint64_t seed = 0;
  bool shuffle = true;
  bool drop_last = false;   ///< drop a last batch that is not full
  bool scale_bytes = true;  ///< u8 columns become f32 between 0 and 1
  int prefetch = 4;         ///< batches that a thread prefetches; 0: the caller makes them
  Transform transform;
};

/// The order in which an epoch takes the rows: it depends on seed, epoch and the number of rows.
std::vector<int64_t> epoch_order(uint64_t seed, int64_t epoch, int64_t rows, bool shuffle = true);

/// Prefetches batches. The contents of a batch depend only on the options and its position, never
/// on timing. One thread at a time may call next() and seek(). A child of fork continues at its
/// parent's position, with a new thread.
class Prefetcher {
 public:
  /// Error invalid_argument for options that give no batch at all.
  Prefetcher(Dataset dataset, LoaderOptions options);
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;
  ~Prefetcher();

  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  const Dataset& dataset() const;
  const LoaderOptions& options() const;

  /// The next batch, or none once at the end of each epoch; the following call begins the next
  /// epoch. An error on the loader's thread is thrown here, in place of its batch.
  std::optional<HostBatch> next();
  Position position() const { return position_; }
  /// Sets the position of next(). Error out_of_range beyond the end of an epoch.
  void seek(Position position);

 private:
  class Worker;
  Worker& worker();

  int64_t steps_per_epoch_ = 0;
  Position position_;
  std::unique_ptr<Worker> worker_;
  uint32_t generation_;  // the fork_generation() of the worker's thread
};

}  // namespace tenon::data
