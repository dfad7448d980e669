// Makes and deletes the pods of a controller's object, with the events that tell of it.
#pragma once

#include "api/corev1.h"
#include "client/client.h"
#include "client/event_recorder.h"

namespace kpp::controllers {

// The object that pods belong to.
struct PodOwner {
  const api::TypeDesc* type;
  metav1::ObjectMeta meta;
};

// A pod as the template wants it: labels, annotations, finalizers and spec of the template,
// generateName "owner-", controlled by the owner.
corev1::Pod pod_from_template(const corev1::PodTemplateSpec& pod_template, const PodOwner& owner);

// Ownership: client and events must outlive it.
class PodControl {
 public:
  PodControl(client::Client& client, client::EventRecorder& events)
      : client_(client), events_(events) {}

  async::Task<Status> create(corev1::Pod pod, PodOwner owner, async::StopToken stop);
  // A pod that is gone already is no error.
  async::Task<Status> remove(api::ObjectKey pod, PodOwner owner, async::StopToken stop);

 private:
  client::Client& client_;
  client::EventRecorder& events_;
};

}  // namespace kpp::controllers
