// Whatever the text of an expression, compiling and evaluating it ends.
#include <cstddef>
#include <cstdint>

#include "cel/json_value.h"
#include "cel/program.h"

namespace {

class OneObject final : public kpp::cel::Activation {
 public:
  std::optional<kpp::cel::Value> find(std::string_view name) const override {
    if (name != "object") return std::nullopt;
    return kpp::cel::from_json(document_);
  }

 private:
  kpp::json::Value document_ = *kpp::json::parse(
      R"({"a":1,"b":[1,2,"x"],"c":{"d":"text","e":[{"f":1.5}]},"q":"100m","t":"2026-01-02T03:04:05Z"})");
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const OneObject kActivation;
  static const kpp::cel::Env kEnv = [] {
    kpp::cel::Env env;
    env.variables["object"] = kpp::cel::Type::of(kpp::cel::Kind::kDyn);
    env.any_object = true;
    return env;
  }();
  constexpr std::uint64_t kLimit = 20000;
  const auto program =
      kpp::cel::Program::compile(kEnv, std::string_view(reinterpret_cast<const char*>(data), size));
  if (!program) return 0;
  const auto result = program->evaluate(kActivation, kLimit);
  if (!result.value.is_failure()) kpp::cel::to_json(result.value);
  return 0;
}
