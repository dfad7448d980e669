#include "validation/expressions/devices.h"

#include "base/cat.h"
#include "cel/program.h"
#include "validation/expressions/functions.h"

namespace kpp::validation {
namespace {

cel::Env make_env() {
  using cel::Kind;
  using cel::Type;
  cel::Env out;
  out.functions = &expression_functions();
  const auto string = Type::of(Kind::kString);
  out.variables["device"] = Type::object("kubernetes.DRADevice");
  // By domain, then by name.
  out.structs.add(
      "kubernetes.DRADevice",
      {{"driver", string},
       {"attributes", Type::map(string, Type::map(string, Type::of(Kind::kDyn)))},
       {"capacity", Type::map(string, Type::map(string, Type::opaque("kubernetes.Quantity")))},
       {"allowMultipleAllocations", Type::of(Kind::kBool)}});
  return out;
}

}  // namespace

std::string device_expression_error(std::string_view expression) {
  static const cel::Env kEnv = make_env();
  const auto program = cel::Program::compile(kEnv, expression);
  if (!program) return "compilation failed: " + program.error();
  const cel::Kind kind = program->output()->kind();
  if (kind == cel::Kind::kBool || kind == cel::Kind::kDyn) return "";
  return cat("must evaluate to bool or the unknown type, not ", program->output()->to_string());
}

}  // namespace kpp::validation
