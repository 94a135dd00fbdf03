#include <gmock/gmock.h>

#include "tenon/tensor/numpy.h"
#include "tenon/train/model.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

using testing::HasSubstr;

// A model is recorded once for batches of every size: where its function decides by that size, it
// refuses those for which it would decide otherwise, instead of giving what belongs to others.
TEST(Model, RefusesBatchesForWhichItsFunctionIsAnother) {
  const nn::ModelFunction decides = [](const nn::Scope&, const Tensor& x) {
    return x.dim(0) == Dim(3) ? x * 2 : x + 1;
  };
  TemporaryFolder folder;
  const auto file = folder / "decides.tenon";
  Model made(decides, {}, Type::parse("f32[2]"), {}, {});
  made.save(file);
  for (const Model& model : {made, Model::load(file)}) {
    for (int64_t batch : {1, 2, 4}) EXPECT_EQ(model.predict(ones({batch, 2})).item(0), 2);
    EXPECT_THAT(error_of([&] { model.predict(ones({3, 2})); }),
                HasSubstr("recorded for sizes where batch != 3, but batch is 3"));
  }
}

}  // namespace
}  // namespace tenon::train
