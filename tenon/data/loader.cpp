#include "tenon/data/loader.h"

namespace tenon::data {

std::optional<Batch> Loader::next() {
  std::optional<HostBatch> host = batches_.next();
  if (!host) return std::nullopt;
  Batch batch;
  for (auto& [name, buffer] : host->columns) batch.set(name, Tensor(std::move(buffer)));
  return batch;
}

}  // namespace tenon::data
