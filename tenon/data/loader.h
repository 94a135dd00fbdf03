#pragma once

//   given: auto set = data::fashion_mnist().train; void learn(const Tree&);
//   data::Loader loader(set, {.batch = 64, .seed = 0});
//   for (const data::Batch& batch : loader) learn(batch);     // one epoch; again for the next
//   loader.seek({.epoch = 2, .step = 100});                   // resumes with the same batches

#include <iterator>
#include <optional>

#include "tenon/data/prefetch.h"
#include "tenon/data/sources.h"
#include "tenon/tensor/tree.h"

namespace tenon::data {

/// Tensors by column name: batch["image"]. A tree, so transforms and jitted steps take it.
using Batch = Tree;

/// Batches of a data set, epoch after epoch, prefetched by a separate thread.
class Loader {
 public:
  explicit Loader(Dataset dataset, LoaderOptions options = {})
      : batches_(std::move(dataset), std::move(options)) {}

  int64_t steps_per_epoch() const { return batches_.steps_per_epoch(); }
  const Dataset& dataset() const { return batches_.dataset(); }
  const LoaderOptions& options() const { return batches_.options(); }

  /// The next batch, or none once at the end of each epoch. Its memory returns to the loader when
  /// its tensors, and pending computations that use them, are gone.
  std::optional<Batch> next();
  /// The position of next(); save it with a checkpoint.
  Position position() const { return batches_.position(); }
  void seek(Position position) { batches_.seek(position); }

  /// The rest of the epoch, for a range-based for.
  class Iterator {
   public:
    explicit Iterator(Loader& loader) : loader_(&loader), batch_(loader.next()) {}
    const Batch& operator*() const { return *batch_; }
    const Batch* operator->() const { return &*batch_; }
    Iterator& operator++() {
      batch_.reset();  // its memory can serve the next batch already
      batch_ = loader_->next();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return !batch_.has_value(); }

   private:
    Loader* loader_;
    std::optional<Batch> batch_;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  Prefetcher batches_;
};

}  // namespace tenon::data
