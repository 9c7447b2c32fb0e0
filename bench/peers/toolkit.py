"""toolkit.py: Django with its OAuth Toolkit, as the documentation of both sets it up for production: DEBUG off, PostgreSQL by connections that
are kept, no middleware that a token endpoint has no use for. Refresh tokens rotate, which is the toolkit's default.

  DIR=… python3 toolkit.py COUNT       makes COUNT sessions, prints their refresh tokens
  DIR=… gunicorn toolkit:application   serves; the cluster's socket is in DIR/pg
"""
import datetime
import os
import secrets
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from django.utils import timezone

settings.configure(
    DEBUG=False, SECRET_KEY='a secret of at least thirty-two bytes, for these figures', ALLOWED_HOSTS=['*'], USE_TZ=True, ROOT_URLCONF=__name__,
    MIDDLEWARE=[], INSTALLED_APPS=['django.contrib.auth', 'django.contrib.contenttypes', 'oauth2_provider'], DEFAULT_AUTO_FIELD='django.db.models.BigAutoField',
    DATABASES={'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.environ['DIR'] + '/pg', 'USER': 'peers', 'NAME': 'postgres', 'CONN_MAX_AGE': None}},
    OAUTH2_PROVIDER={'ACCESS_TOKEN_EXPIRE_SECONDS': 900, 'REFRESH_TOKEN_EXPIRE_SECONDS': 30 * 86400})
django.setup()
urlpatterns = [path('o/', include('oauth2_provider.urls', namespace='oauth2_provider'))]
application = get_wsgi_application()


def seed(count):
    from django.contrib.auth.models import User
    from oauth2_provider.models import AccessToken, Application, RefreshToken
    call_command('migrate', verbosity=0)
    app, _ = Application.objects.get_or_create(client_id='app', defaults={
        'client_type': 'public', 'authorization_grant_type': 'authorization-code', 'redirect_uris': 'http://127.0.0.1/back', 'skip_authorization': True})
    for _ in range(count):
        user = User.objects.create(username=secrets.token_hex(8))
        access = AccessToken.objects.create(user=user, application=app, token=secrets.token_urlsafe(24), scope='read', expires=timezone.now() + datetime.timedelta(minutes=15))
        print(RefreshToken.objects.create(user=user, application=app, token=secrets.token_urlsafe(24), access_token=access).token)


if __name__ == '__main__':
    seed(int(sys.argv[1]))
