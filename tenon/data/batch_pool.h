#pragma once

//   given: Dataset dataset; std::vector<int64_t> rows;
//   BatchPool pool(dataset, /*batch=*/64, /*scale_bytes=*/true);
//   HostBatch batch = pool.gather(rows);       // at most 64 of them, into memory used before

#include <memory>
#include <span>

#include "tenon/data/prefetch.h"

namespace tenon::data {

/// Copies rows of a data set into batches, and reuses the memory of earlier batches.
class BatchPool {
 public:
  BatchPool(Dataset dataset, int64_t batch, bool scale_bytes);

  HostBatch gather(std::span<const int64_t> rows);
  const Dataset& dataset() const { return dataset_; }

 private:
  struct Slot;
  struct FreeList;
  struct Lease;

  Dataset dataset_;
  int64_t batch_;
  bool scale_bytes_;
  std::shared_ptr<FreeList> free_;  // outlives the pool while batches are in use
};

}  // namespace tenon::data
