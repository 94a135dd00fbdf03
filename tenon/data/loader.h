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

/// Tensors by column name: batch["image"]. A tree, so that transforms and jitted steps take it.
using Batch = Tree;

/// Batches of a data set, epoch after epoch, made ahead on a thread of their own.
class Loader {
 public:
  explicit Loader(Dataset dataset, LoaderOptions options = {})
      : batches_(std::move(dataset), std::move(options)) {}

  int64_t steps_per_epoch() const { return batches_.steps_per_epoch(); }
  const Dataset& dataset() const { return batches_.dataset(); }
  const LoaderOptions& options() const { return batches_.options(); }

  /// The next batch, or nothing once at the end of each epoch. Its memory returns to the loader
  /// when the tensors and what was computed lazily from them are gone.
  std::optional<Batch> next();
  /// Where next() goes on: to be saved with a checkpoint.
  Position position() const { return batches_.position(); }
  void seek(Position position) { batches_.seek(position); }

  /// What is left of the epoch, for a range-based for.
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
