// The parameters of a policy's binding.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/admissionregistrationv1.h"
#include "apiserver/admission/plugins.h"
#include "codec/json.h"

namespace kpp::apiserver {

struct PolicyParams {
  // One evaluation for each; a null pointer is an evaluation without parameters.
  std::vector<std::shared_ptr<const json::Value>> each;
  std::string error;             // not empty: the binding cannot be used
  bool is_policy_error = false;  // the policy cannot be used
};

PolicyParams find_params(const api::Opt<admissionregistrationv1::ParamKind>& kind,
                         const api::Opt<admissionregistrationv1::ParamRef>& ref,
                         const AdmissionRequest& request, const Lookup& lookup);

}  // namespace kpp::apiserver
