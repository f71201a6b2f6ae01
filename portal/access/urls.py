"""Addresses of signing in and out and of a person's own account."""

from django.contrib.auth.views import PasswordChangeDoneView
from django.urls import path

from portal.access import invitation_views, rights_views, views

urlpatterns = [
    path("login", views.SignIn.as_view(), name="login"),
    path("sign-in/again", views.SignInAgain.as_view(), name="sign_in_again"),
    path("logout", views.SignOut.as_view(), name="logout"),
    path("account/password", views.ChangePassword.as_view(), name="password_change"),
    path("account/password/done", PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("rights", rights_views.Matrix.as_view(), name="rights"),
    path("rights/change", rights_views.Change.as_view(), name="rights_change"),
    path("people/<int:person_id>/link", invitation_views.Invite.as_view(), name="invite"),
    path("people/links/<int:invitation_id>/confirm", invitation_views.confirm, name="confirm_person"),
    path("welcome/<str:text>", invitation_views.Welcome.as_view(), name="welcome"),
    path("account/tokens", views.Tokens.as_view(), name="tokens"),
    path("account/tokens/<int:token_id>/revoke", views.RevokeToken.as_view(), name="revoke_token"),
]
