// Taking and giving up control of objects by their labels.
#pragma once

#include "api/meta.h"
#include "client/client.h"
#include "controllers/label_matching.h"

namespace kpp::controllers {

enum class Claim {
  kMine,     // controlled already and selected
  kAdopt,    // an orphan that is selected
  kRelease,  // controlled, but selected no more
  kNotMine,
};

Claim claim(const metav1::ObjectMeta& owner, const metav1::LabelSelector& selector,
            const metav1::ObjectMeta& object);

// Adds the controller reference, or takes it away, by a patch that holds for this uid only. For
// adopt the owner is read afresh first: one that is being deleted adopts nothing.
async::Task<Status> adopt(client::Client& client, const api::TypeDesc* owner_type,
                          metav1::ObjectMeta owner, const api::TypeDesc* type,
                          metav1::ObjectMeta object, async::StopToken stop);
async::Task<Status> release(client::Client& client, std::string owner_uid,
                            const api::TypeDesc* type, metav1::ObjectMeta object,
                            async::StopToken stop);

}  // namespace kpp::controllers
