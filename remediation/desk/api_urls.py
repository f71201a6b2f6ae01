"""Addresses of the ticket API, below /api/v1/; none ends in a slash."""

from django.urls import path

from remediation.desk import api, run_api, timeline_api, working_api

urlpatterns = [
    path("tickets", api.TicketList.as_view()),
    path("tickets/<str:ticket_id>", api.TicketDetail.as_view()),
    path("tickets/<str:ticket_id>/remediation-logs", api.RemediationLogs.as_view()),
    path("tickets/<str:ticket_id>/approve-remediation", api.ApproveRemediation.as_view()),
    path("tickets/<str:ticket_id>/revisions", api.Revisions.as_view()),
    path("tickets/<str:ticket_id>/ticks", api.Ticks.as_view()),
    path("tickets/<str:ticket_id>/request-changes", api.RequestChanges.as_view()),
    path("tickets/<str:ticket_id>/evidence", api.EvidenceList.as_view()),
    path("tickets/<str:ticket_id>/timeline", timeline_api.TimelineDetail.as_view()),
    path("tickets/<str:ticket_id>/timeline/read", timeline_api.ReadNotes.as_view()),
    path("tickets/<str:ticket_id>/role", timeline_api.DraftRole.as_view()),
    path("tickets/<str:ticket_id>/redraft", api.Redraft.as_view()),
    path("tickets/<str:ticket_id>/fresh-plan", api.FreshPlan.as_view()),
    path("tickets/<str:ticket_id>/taken", working_api.Taken.as_view()),
    path("tickets/<str:ticket_id>/comments", working_api.Comments.as_view()),
    path("tickets/<str:ticket_id>/cut", working_api.Cut.as_view()),
    path("tickets/<str:ticket_id>/proofs", working_api.Prove.as_view()),
    path("tickets/<str:ticket_id>/rehearsals", working_api.Rehearse.as_view()),
    path("tickets/<str:ticket_id>/look", working_api.LookAgain.as_view()),
    path("tickets/<str:ticket_id>/withdraw", working_api.Withdraw.as_view()),
    path("tickets/<str:ticket_id>/close", api.Close.as_view()),
    path("tickets/<str:ticket_id>/run", run_api.RunDetail.as_view()),
    path("tickets/<str:ticket_id>/run/timeline", timeline_api.RunAsTimeline.as_view()),
    path("tickets/<str:ticket_id>/run/steps", run_api.RunSteps.as_view()),
    path("tickets/<str:ticket_id>/run/pause", run_api.Pause.as_view()),
    path("tickets/<str:ticket_id>/run/stop-after-step", run_api.StopAfterStep.as_view()),
    path("tickets/<str:ticket_id>/run/stop-now", run_api.StopNow.as_view()),
    path("tickets/<str:ticket_id>/run/resume", run_api.Resume.as_view()),
    path("tickets/<str:ticket_id>/run/retry", run_api.Retry.as_view()),
    path("tickets/<str:ticket_id>/run/skip", run_api.Skip.as_view()),
    path("tickets/<str:ticket_id>/run/skip/sign", run_api.SignSkip.as_view()),
    path("tickets/<str:ticket_id>/run/roll-back", run_api.RollBack.as_view()),
    path("tickets/<str:ticket_id>/run/give-up", run_api.GiveUp.as_view()),
]
