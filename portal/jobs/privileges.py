"""What each runtime role may do to the tables of this room. Row policies (see the migrations) narrow it by queue."""

_JOBS = "SELECT, INSERT, UPDATE"
_BEATS = "SELECT, INSERT, UPDATE, DELETE"

GRANTS = {
    "jobs_job": {
        "web": _JOBS,
        "drafting": _JOBS,
        "probe": _JOBS,
        "execution": _JOBS,
        "general": f"{_JOBS}, DELETE",
    },
    "jobs_kind": {"all": "SELECT"},
    "jobs_schedule": {"web": "SELECT, UPDATE", "general": "SELECT, UPDATE"},
    "jobs_clusterbeat": {
        "web": "SELECT",
        "drafting": _BEATS,
        "probe": _BEATS,
        "execution": _BEATS,
        "general": _BEATS,
    },
}
