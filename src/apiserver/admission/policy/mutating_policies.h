// MutatingAdmissionPolicy: objects are changed by the expressions of policies whose bindings match.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policy/policy_programs.h"
#include "codec/json.h"

namespace kpp::apiserver {

// The policies of one request. run() goes first; where it changed the object, the other plugins
// have another look, and then run_again() those policies that want to see what came after them.
class MutatingPolicies {
 public:
  MutatingPolicies(const AdmissionRequest& request, const Lookup& lookup)
      : request_(request), lookup_(lookup) {}

  Status run(api::Object& object);
  bool changed() const { return changed_; }
  Status run_again(api::Object& object);

 private:
  // A policy with a binding and a set of parameters.
  struct Invocation {
    std::shared_ptr<const MutatingPrograms> programs;
    const ServedResource* matched = nullptr;
    std::string binding;
    std::shared_ptr<const json::Value> params;
  };
  struct Failure {
    std::string message;
    Reason reason = Reason::kForbidden;
  };

  void find_invocations(const api::Object& object);
  void find_bindings(const std::shared_ptr<const MutatingPrograms>& programs,
                     const ServedResource& matched, const api::Object& object);
  // A status is an error of the server, not of the policy.
  Status invoke(const Invocation& invocation, api::Object& object);
  void add_failure(const MutatingPrograms& programs, const std::string& binding,
                   const std::string& why, Reason reason);
  Status verdict() const;

  const AdmissionRequest& request_;
  const Lookup& lookup_;
  std::vector<Invocation> invocations_;
  std::vector<Failure> failures_;
  std::set<std::size_t> seen_;   // invoked, and wanting to know what comes after
  std::set<std::size_t> again_;  // of them those after which something changed
  json::Value last_;             // the object as the policies left it
  bool changed_ = false;
};

}  // namespace kpp::apiserver
