#include "tenon/ops/custom_call.h"

#include "tenon/base/inline_array.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Kernels are shared by concurrent runs, so each run needs its own views.
template <class View>
InlineArray<View, 8> views_of(const std::vector<ConcreteType>& types, void* const* pointers) {
  return {types.size(),
          [&](size_t i) { return View{types[i].dtype, types[i].shape, pointers[i]}; }};
}

class CustomKernel : public OpKernel {
 public:
  explicit CustomKernel(const KernelRequest& request)
      : target_(request.attributes.string("target")),
        config_(request.attributes.string("config")),
        function_(find_custom_function(target_)),
        inputs_(request.inputs),
        outputs_(request.outputs) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto in = views_of<CustomInput>(inputs_, inputs);
    const auto out = views_of<CustomOutput>(outputs_, outputs);
    run_custom_function(function_, target_, {in, out, config_});
  }
  std::string description() const override { return target_; }

 private:
  std::string target_, config_;
  const CustomFunction& function_;
  std::vector<ConcreteType> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<OpKernel> make_custom_call(const KernelRequest& request, std::string&) {
  return std::make_unique<CustomKernel>(request);
}

}  // namespace tenon
