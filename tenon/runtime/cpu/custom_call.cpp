#include "tenon/ops/custom_call.h"

#include <array>

#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Views of the operands, on the stack unless there are many: kernels are shared by concurrent
/// runs, so each run needs its own.
template <class View>
class Views {
 public:
  Views(const std::vector<ConcreteType>& types, void* const* pointers) : size_(types.size()) {
    if (size_ > inline_.size()) heap_.resize(size_);
    View* views = heap_.empty() ? inline_.data() : heap_.data();
    for (size_t i = 0; i < size_; ++i) views[i] = {types[i].dtype, types[i].shape, pointers[i]};
  }
  std::span<const View> span() const {
    return {heap_.empty() ? inline_.data() : heap_.data(), size_};
  }

 private:
  size_t size_;
  std::array<View, 8> inline_;
  std::vector<View> heap_;
};

class CustomKernel : public OpKernel {
 public:
  explicit CustomKernel(const KernelRequest& request)
      : target_(request.attributes.string("target")),
        config_(request.attributes.string("config")),
        function_(find_custom_function(target_)),
        inputs_(request.inputs),
        outputs_(request.outputs) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    Views<CustomInput> in(inputs_, inputs);
    Views<CustomOutput> out(outputs_, outputs);
    run_custom_function(function_, target_, {in.span(), out.span(), config_});
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
