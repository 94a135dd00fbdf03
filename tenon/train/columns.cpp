#include "tenon/train/columns.h"

#include "tenon/base/strings.h"

namespace tenon::train {

std::string Columns::to_string() const { return join(names_, ", "); }

Tree Columns::of(const data::Batch& batch) const {
  if (is_one()) return Tree(batch.at(names_.front()));
  Tree tree;
  for (const std::string& name : names_) tree.set(name, batch.at(name));
  return tree;
}

nn::Signature Columns::signature(const data::Dataset& dataset) const {
  nn::Signature signature;
  for (const std::string& name : names_) {
    Type type = dataset[name].type();
    type.shape[0] = Dim::symbol("batch");
    signature.push_back({is_one() ? "" : name, std::move(type)});
  }
  return signature;
}

}  // namespace tenon::train
