// Whether a request is one that an admission policy, its binding or a webhook is about.
#pragma once

#include "api/admissionregistrationv1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {

// Policies and webhooks never see changes of policies and webhooks, nor questions about access.
bool is_exempt(const AdmissionRequest& request);

// The resource in the version in which the rules name it; nullptr: the request does not match.
// `object` is nullptr for deletions. Rules that stand for nothing (none given) match everything.
const ServedResource* matched_resource(const admissionregistrationv1::MatchResources& match,
                                       const AdmissionRequest& request, const api::Object* object,
                                       const Lookup& lookup);

}  // namespace kpp::apiserver
